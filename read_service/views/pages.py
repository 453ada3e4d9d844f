"""Pages that stay whole while the data changes: each goes on after the last item's sort key and id."""

import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from contracts.queries import Page
from contracts.results import PageOf
from read_service.views.cursors import Place, cursor_after
from read_service.views.documents import Document, is_

Item = TypeVar("Item")
_FIRST_SURROGATE = 0xD800


def beyond(place: Place | None, key: str, identity: str, direction: int) -> Document:
    """The condition for what comes after a place in the order (key, identity); all of it where there is none.

    The range on the key alone bounds the index; the rest only tells ties apart.
    """
    if place is None:
        return {}
    later = "$gt" if direction > 0 else "$lt"
    ties = {key: {"$eq": place.key}, identity: {later: place.identity}}
    if place.key is None:  # nulls sort before all strings, and a comparison with null matches nothing else
        return {"$or": [ties, {key: {"$gt": ""}}]}
    return {key: {f"{later}e": place.key}, "$or": [{key: {later: place.key}}, ties]}


def page(
    query: Page, found: list[Document], dto: Callable[[Document], Item], place: Callable[[Document], Place]
) -> PageOf[Item]:
    """The page made of `query.limit + 1` documents: the one too many shows that there is another page."""
    shown = found[: query.limit]
    following = cursor_after(query, place(shown[-1])) if len(found) > len(shown) else None
    return PageOf(items=[dto(one) for one in shown], next_cursor=following)


def starting_with(field: str, prefix: str) -> Document:
    """The condition for strings that begin with a prefix: an exact range, so that an index is read in one stretch."""
    if not prefix:
        return {}
    following = _following(prefix)
    return {field: {"$gte": prefix} if following is None else {"$gte": prefix, "$lt": following}}


def of_any(field: str, asked: str | None, possible: Sequence[str]) -> Document:
    """The condition for the value asked for, or for any that is possible.

    Named one by one, the server reads an index that begins with the field once for each, and merges their orders.
    """
    return {field: {"$in": list(possible)} if asked is None else is_(asked)}


def all_of(*conditions: Document) -> Document:
    """All conditions together; two may speak of the same field."""
    stated = [condition for condition in conditions if condition]
    return stated[0] if len(stated) == 1 else {"$and": stated} if stated else {}


def _following(prefix: str) -> str | None:
    """The first string after all that begin with the prefix, by code point as MongoDB compares; None: there is none."""
    stem = prefix.rstrip(chr(sys.maxunicode))
    if not stem:
        return None
    last = ord(stem[-1]) + 1
    return stem[:-1] + chr(0xE000 if last == _FIRST_SURROGATE else last)
