"""From the bytes of a command message to commands, each of them valid or with its errors."""

import json
import re
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from contracts.commands import COMMANDS, Command
from contracts.errors import Error, error, errors_of
from contracts.values import MAX_BATCH, MAX_MESSAGE_BYTES, UUID_PATTERN

SINGLE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
BATCH_KEY = "batch.v1"

_UUID = re.compile(UUID_PATTERN)


class Unreadable(Exception):
    """The message as a whole cannot be read: it gets one `invalid` reply, whatever it may have held."""

    def __init__(self, found: Error) -> None:
        super().__init__(found["msg"])
        self.errors = [found]


@dataclass(frozen=True, slots=True)
class InvalidCommand:
    """A command that cannot be read: its id where one was found, what is wrong, and the object as it came."""

    command_id: str | None
    errors: list[Error]
    content: Any


@dataclass(frozen=True, slots=True)
class CommandMessage:
    """The commands of one message in their order. A batch is answered by an array, a single by an object."""

    commands: list[Command | InvalidCommand]
    is_batch: bool


def read_command_message(body: bytes, content_type: str | None, routing_key: str) -> CommandMessage:
    """The commands of a message. Raises Unreadable when there is no telling what its commands are."""
    if len(body) > MAX_MESSAGE_BYTES:
        raise Unreadable(
            error("message_too_large", f"{len(body)} bytes: a message has at most {MAX_MESSAGE_BYTES}", "body")
        )
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind == SINGLE:
        return CommandMessage([_command(_json(body), routing_key)], is_batch=False)
    if kind == BATCH:
        return CommandMessage(_batch(_json(body), routing_key), is_batch=True)
    raise Unreadable(error("content_type", f"the content type must be {SINGLE} or {BATCH}", "content_type"))


def _json(body: bytes) -> Any:
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError as failure:
        # A lone surrogate in an escape is JSON all the same: of a batch, only the command that has it is invalid.
        found = _with_surrogates(body) if b"\\u" in body else None
        if found is None:
            raise Unreadable(error("json_invalid", f"no JSON: {failure}", "body")) from None
        return found


def _with_surrogates(body: bytes) -> Any:
    try:
        return json.loads(body.decode(), parse_constant=_no_number)  # of bytes it takes other encodings too, and a BOM
    except (ValueError, RecursionError):
        return None


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def _batch(found: Any, routing_key: str) -> list[Command | InvalidCommand]:
    if routing_key != BATCH_KEY:
        raise Unreadable(error("routing_key", f"a batch is sent with the routing key {BATCH_KEY}", "routing_key"))
    if not isinstance(found, list) or not 1 <= len(found) <= MAX_BATCH:
        raise Unreadable(error("batch_size", f"a batch is an array of 1 to {MAX_BATCH} commands", "body"))
    return [_command(item, None) for item in found]


def _command(found: Any, routing_key: str | None) -> Command | InvalidCommand:
    if not isinstance(found, dict):
        return InvalidCommand(None, [error("object", "a command is a JSON object", "body")], found)
    kind = found.get("type")
    message = COMMANDS.get(kind) if isinstance(kind, str) else None
    if message is None:
        return InvalidCommand(_id_of(found), [_unknown(kind)], found)
    if routing_key is not None and routing_key != kind:
        wrong = error("routing_key", f"the routing key must be the command's type, {kind}", "routing_key")
        return InvalidCommand(_id_of(found), [wrong], found)
    found.setdefault("data", {})
    try:
        return message.model_validate(found)
    except ValidationError as failure:
        return InvalidCommand(_id_of(found), errors_of(failure), found)


def _unknown(kind: Any) -> Error:
    if not isinstance(kind, str):
        return error("missing", "a command needs its type, a string like company.register.v1", "type")
    stem = kind.rpartition(".v")[0]
    known = [name for name in COMMANDS if name.rpartition(".v")[0] == stem]
    if known:
        return error("unknown_version", f"this version is not known here; known: {', '.join(known)}", "type")
    return error("unknown_type", f"no such command; known are {', '.join(COMMANDS)}", "type")


def _id_of(found: dict[str, Any]) -> str | None:
    identity = found.get("id")
    return identity if isinstance(identity, str) and _UUID.fullmatch(identity) else None
