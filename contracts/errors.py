"""What is wrong with a message, in the form that replies carry: loc, msg, type."""

from typing import Any

from pydantic import ValidationError
from typing_extensions import TypedDict  # pydantic asks for this one below Python 3.12

MAX_ERRORS = 20
_MAX_LOC = 100


class Error(TypedDict):
    """One fault: where it is, what a person reads, and a stable word for programs."""

    loc: list[str | int]
    msg: str
    type: str


def error(kind: str, msg: str, *loc: str | int) -> Error:
    """One error of our own making."""
    return {"loc": list(loc), "msg": msg, "type": kind}


def errors_of(failure: ValidationError) -> list[Error]:
    """The first errors of a failed validation, without the input: a reply must not echo what it was sent."""
    found: list[Any] = failure.errors(include_url=False, include_context=False, include_input=False)
    return [_of(detail) for detail in found[:MAX_ERRORS]]


def _of(detail: dict[str, Any]) -> Error:
    # The names in loc come from the sender: cut, or one field name of 256 KiB makes a reply of that size.
    loc = [part[:_MAX_LOC] if isinstance(part, str) else part for part in detail["loc"]]
    return {"loc": loc, "msg": detail["msg"], "type": detail["type"]}
