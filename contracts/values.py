"""The values that cross the bus: their limits, and the one normal form in which they are stored."""

import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

ROLES = ("owner", "admin", "member")
STATUSES = ("registered", "active", "suspended", "closed")

MAX_MESSAGE_BYTES = 256 * 1024
MAX_BATCH = 100
MAX_ATTRIBUTE_BYTES = 255
MAX_EMAIL_BYTES = 254  # what RFC 5321 leaves for an address

UUID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def without_control_characters(value: str) -> str:
    """The value itself; refuses control characters and lone surrogates, which jsonb and UTF-8 cannot hold."""
    # str.isprintable() clears nearly every value in one call; only the rest is looked at letter by letter.
    if not value.isprintable() and any(unicodedata.category(letter) in ("Cc", "Cs") for letter in value):
        raise PydanticCustomError("control_character", "must not contain control characters")
    return value


def one_line(value: str) -> str:
    """The stored form of a text: NFC, trimmed, white space collapsed to single spaces."""
    return " ".join(unicodedata.normalize("NFC", without_control_characters(value)).split())


def folded(value: str) -> str:
    """The form in which names compare: NFKC, trimmed, white space collapsed, case folded."""
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split())


def _bounded(limit: int) -> Callable[[str], str]:
    def check(value: str) -> str:
        text = one_line(value)
        if not 1 <= len(text) <= limit:
            raise PydanticCustomError("text_length", "must have 1 to {limit} characters", {"limit": limit})
        return text

    return check


def _email(value: str) -> str:
    address = unicodedata.normalize("NFC", without_control_characters(value).strip().lower())
    if len(address.encode()) > MAX_EMAIL_BYTES or not _EMAIL.fullmatch(address):
        raise PydanticCustomError("email", "must be an email address of at most 254 bytes")
    return address


def _at_most_255_bytes(value: str) -> str:
    if not value or len(without_control_characters(value).encode()) > MAX_ATTRIBUTE_BYTES:
        raise PydanticCustomError("attribute_length", "must have 1 to 255 bytes")
    return value


def _timestamp(value: str) -> str:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError("timestamp", "must be a timestamp as RFC 3339 writes it") from None
    return value


Id = Annotated[str, StringConstraints(pattern=UUID_PATTERN)]
CompanyName = Annotated[str, AfterValidator(_bounded(200))]
FullName = Annotated[str, AfterValidator(_bounded(200))]
Reason = Annotated[str, AfterValidator(_bounded(500))]
Email = Annotated[str, AfterValidator(_email)]
Role = Annotated[str, StringConstraints(pattern="^(owner|admin|member)$")]
Status = Annotated[str, StringConstraints(pattern="^(registered|active|suspended|closed)$")]
SeatLimit = Annotated[int, Field(ge=1, le=1_000_000)]
Version = Annotated[int, Field(ge=0, le=2**31 - 1)]  # CloudEvents integers have 32 bits
ReachedVersion = Annotated[int, Field(ge=1, le=2**31 - 1)]  # that of an event: the first one makes 1 of nothing
Attribute = Annotated[str, AfterValidator(_at_most_255_bytes)]
Timestamp = Annotated[
    str,
    StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$"),
    AfterValidator(_timestamp),
]
TraceParent = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")]
TraceState = Annotated[str, StringConstraints(max_length=512), AfterValidator(without_control_characters)]
