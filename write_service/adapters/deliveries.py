"""From an AMQP delivery to what is parked of it, in a form that Postgres can hold."""

import json
from typing import Any

from aio_pika.abc import AbstractIncomingMessage
from pydantic_core import from_json, to_json

from contracts.commands import Command
from contracts.reading import SINGLE, InvalidCommand
from write_service.service_layer.parking import UNREADABLE, ToPark

SHORT = 255  # bytes: what a routing key, an id or a name may have in AMQP

_PROPERTIES = ("type", "correlation_id", "reply_to", "app_id", "user_id", "priority", "timestamp", "redelivered")


def parked_message(
    message: AbstractIncomingMessage, kind: str, reason: str, *, exchange: str | None = None, key: str | None = None
) -> ToPark:
    """The whole message, under its own exchange and routing key unless others are given."""
    found = _json(message.body)
    return ToPark(
        kind=kind,
        reason=storable(reason),
        body=message.body,
        exchange=short(message.exchange or "" if exchange is None else exchange),
        routing_key=short(message.routing_key or "" if key is None else key),
        content_type=_optional(message.content_type),
        message_id=_optional(message.message_id),
        properties=_properties(message),
        command_id=_text(found, "id"),
        command_type=_text(found, "type"),
        company_id=_text(found, "subject"),
    )


def parked_command(
    message: AbstractIncomingMessage, command: Command | InvalidCommand, kind: str, reason: str, *, index: int
) -> ToPark:
    """One command of a batch, as a message of its own that can be sent again without its neighbours."""
    found = command.content if isinstance(command, InvalidCommand) else command.model_dump(exclude_none=True)
    is_object = isinstance(found, dict)
    return ToPark(
        kind=kind if is_object else UNREADABLE,
        reason=storable(reason),
        body=_encoded(found),
        exchange=short(message.exchange or ""),
        routing_key=_text(found, "type") or "",
        content_type=SINGLE,
        message_id=_text(found, "id") or short(f"{message.message_id}/{index}"),
        properties={**_properties(message), "batch": _optional(message.message_id), "index": index},
        command_id=_text(found, "id"),
        command_type=_text(found, "type"),
        company_id=_text(found, "subject"),
    )


def _encoded(found: Any) -> bytes:
    try:
        return to_json(found)
    except ValueError:  # a lone surrogate, which only an escape can write
        return json.dumps(found).encode()


def storable(value: str) -> str:
    """The text without what neither a text column nor jsonb takes: NUL and lone surrogates."""
    return value.encode(errors="replace").decode().replace("\x00", "\ufffd")


def short(value: str) -> str:
    """The storable text, cut so that it can be sent again as a short string of AMQP."""
    return storable(value).encode()[:SHORT].decode(errors="ignore")


def _optional(value: str | None) -> str | None:
    return None if value is None else short(value)


def _json(body: bytes) -> Any:
    try:
        return from_json(body)
    except ValueError:
        return None


def _text(found: Any, name: str) -> str | None:
    value = found.get(name) if isinstance(found, dict) else None
    return short(value) if isinstance(value, str) else None


def _properties(message: AbstractIncomingMessage) -> dict[str, Any]:
    found = {name: getattr(message, name) for name in _PROPERTIES}
    plain = {name: _plain(value) for name, value in found.items() if value not in (None, "")}
    held = {name: short(value) if isinstance(value, str) else value for name, value in plain.items()}
    return {**held, "headers": _plain(dict(message.headers or {}))}


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {storable(str(name)): _plain(item) for name, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case bool() | int() | None:
            return value
        case bytes():
            return storable(value.decode(errors="replace"))
        case _:
            return storable(str(value))  # times, and floats: NaN is no JSON
