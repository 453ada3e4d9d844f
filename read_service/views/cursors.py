"""Cursors: where a page ended, as an opaque string that fits only the query it came from."""

import base64
import binascii
import hashlib
import zlib
from typing import NamedTuple

from pydantic import TypeAdapter
from pydantic_core import to_json

from contracts.queries import Page
from contracts.values import Version
from read_service.views.refusals import InvalidParameter

_NOT_PART_OF_THE_LIST = {"after", "wait_ms", "limit", "cursor"}
_PLAIN, _DEFLATED = b"p", b"z"
_MAX_PLAIN = 500
_MAX_INFLATED = 64 * 1024


class Place(NamedTuple):
    """The sort key of a page's last item, and its id."""

    key: str | int | None
    identity: str


_PLACE: TypeAdapter[tuple[str, str | int | None, str]] = TypeAdapter(tuple[str, str | Version | None, str])


def cursor_after(query: Page, place: Place) -> str:
    """The cursor with which the same query goes on after this place."""
    packed = to_json([_list_of(query), place.key, place.identity])
    # A folded name can take some thousand bytes (one letter may fold to 18); a cursor must stay below 1,024.
    body = _PLAIN + packed if len(packed) <= _MAX_PLAIN else _DEFLATED + zlib.compress(packed, 9)
    return base64.urlsafe_b64encode(body).decode().rstrip("=")


def place_in(query: Page) -> Place | None:
    """Where the query goes on: None for a first page. Raises InvalidParameter when it is not from this query."""
    if query.cursor is None:
        return None
    try:
        of_list, key, identity = _PLACE.validate_json(_unpacked(query.cursor), strict=True)
    except (binascii.Error, zlib.error, ValueError):
        raise InvalidParameter(
            "cursor", "not a cursor of this service: send back next_cursor as it was received"
        ) from None
    if of_list != _list_of(query):
        raise InvalidParameter("cursor", "a cursor goes with the filters and the sort of the query that gave it")
    return Place(key, identity)


def _unpacked(cursor: str) -> bytes:
    body = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    if body[:1] == _PLAIN:
        return body[1:]
    if body[:1] != _DEFLATED:
        raise ValueError("unknown form")
    return zlib.decompressobj().decompress(body[1:], _MAX_INFLATED)


def _list_of(query: Page) -> str:
    """A short digest of what makes the list: the query's class, its filters and its sort."""
    filters = query.model_dump_json(exclude=_NOT_PART_OF_THE_LIST)
    return hashlib.sha256(f"{type(query).__name__}{filters}".encode()).hexdigest()[:8]
