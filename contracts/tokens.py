"""Tokens: an opaque string that names a company and its version, so that a query can wait for a command."""

import base64
import binascii
import uuid
from typing import NamedTuple

_FORMAT = b"\x01"
_LENGTH = 1 + 16 + 4  # bytes: format, id, version
_LAST_VERSION = 2**31 - 1


class Position(NamedTuple):
    """A company, and the version of it that a reader wants to see at least."""

    company_id: str
    version: int


def encode(company_id: str, version: int) -> str:
    """The token of a company at a version. Raises ValueError when the id is none."""
    packed = _FORMAT + bytes.fromhex(company_id.replace("-", "")) + version.to_bytes(4)
    if len(packed) != _LENGTH:
        raise ValueError(f"not the id of a company: {company_id}")
    return base64.urlsafe_b64encode(packed).decode()


def decode(token: str) -> Position:
    """What a token names. Raises ValueError when it is not one of ours."""
    try:
        packed = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        packed = b""
    version = int.from_bytes(packed[17:])
    is_whole = len(packed) == _LENGTH and packed[:1] == _FORMAT
    if not is_whole or version > _LAST_VERSION:
        raise ValueError("not a token of this service: send back a reply's token as it was received")
    return Position(str(uuid.UUID(bytes=packed[1:17])), version)
