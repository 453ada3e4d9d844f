"""Tokens: an opaque string that names a company and its version, so that a query can wait for a command."""

import base64
import binascii
import uuid
from typing import NamedTuple

_FORMAT = b"\x01"
_LAST_VERSION = 2**31 - 1


class Position(NamedTuple):
    """A company, and the version of it that a reader wants to see at least."""

    company_id: str
    version: int


def encode(company_id: str, version: int) -> str:
    """The token of a company at a version."""
    packed = _FORMAT + bytes.fromhex(company_id.replace("-", "")) + version.to_bytes(4)
    return base64.urlsafe_b64encode(packed).decode()


def decode(token: str) -> Position:
    """What a token names. Raises ValueError when it is not one of ours."""
    try:
        packed = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        packed = b""
    version = int.from_bytes(packed[17:])
    is_whole = len(packed) == 21 and packed[:1] == _FORMAT  # noqa: PLR2004 - 1 format + 16 id + 4 version bytes
    if not is_whole or version > _LAST_VERSION:
        raise ValueError("not a token of this service: send back a reply's token as it was received")
    return Position(str(uuid.UUID(bytes=packed[1:17])), version)
