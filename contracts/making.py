"""Making commands: an id and a time of their own, and values that are valid before they are sent."""

import secrets
import time
import uuid
from datetime import UTC, datetime
from typing import Any, TypeVar, overload

from contracts.commands import COMMANDS, Command, wire_type

SOURCE = "/clients/python"

Made = TypeVar("Made", bound=Command)


class UnknownName(ValueError):
    """There is no such command or query."""


def full_name(name: str, known: dict[str, Any]) -> str:
    """The wire type that a name stands for, with or without its `.v1`. Raises UnknownName."""
    for candidate in (name, f"{name}.v1"):
        if candidate in known:
            return candidate
    raise UnknownName(f"'{name}' is not known; known are {', '.join(known)}")


@overload
def command(
    kind: type[Made],
    company_id: str | uuid.UUID,
    *,
    id: str | uuid.UUID | None = ...,
    source: str = ...,
    expected_version: int | None = ...,
    actor: str | None = ...,
    correlation_id: str | None = ...,
    traceparent: str | None = ...,
    **data: Any,
) -> Made: ...


@overload
def command(
    kind: str,
    company_id: str | uuid.UUID,
    *,
    id: str | uuid.UUID | None = ...,
    source: str = ...,
    expected_version: int | None = ...,
    actor: str | None = ...,
    correlation_id: str | None = ...,
    traceparent: str | None = ...,
    **data: Any,
) -> Command: ...


def command(
    kind: type[Command] | str,
    company_id: str | uuid.UUID,
    *,
    id: str | uuid.UUID | None = None,  # noqa: A002 - the word of the contract
    source: str = SOURCE,
    expected_version: int | None = None,
    actor: str | None = None,
    correlation_id: str | None = None,
    traceparent: str | None = None,
    **data: Any,
) -> Command:
    """A command about a company, as `command(RegisterCompany, company_id, name="Acme", seat_limit=10)`.

    `kind` is a class of contracts.commands or a wire type. Without `id` the command gets a new one: keep the command,
    and sending it again is safe. Raises pydantic.ValidationError, or UnknownName for a type that does not exist.
    """
    message = COMMANDS[full_name(kind, COMMANDS)] if isinstance(kind, str) else kind
    envelope = {
        "specversion": "1.0",
        "id": str(id or new_id()),
        "source": source,
        "type": wire_type(message),
        "subject": str(company_id),
        "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "expectedversion": expected_version,
        "actor": actor,
        "correlationid": correlation_id,
        "traceparent": traceparent,
        "data": {name: str(value) if isinstance(value, uuid.UUID) else value for name, value in data.items()},
    }
    return message.model_validate(envelope)


def encode(made: Command) -> bytes:
    """The command as JSON, without what it does not carry."""
    return made.model_dump_json(exclude_none=True).encode()


def new_id() -> str:
    """A UUID of version 7: ids made later sort later, which keeps a database's indexes dense."""
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=value))
