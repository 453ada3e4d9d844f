"""Commands that failed: what is parked of them, what is counted, and what their senders are told."""

from collections.abc import Sequence

from aio_pika.abc import AbstractIncomingMessage

from contracts.commands import COMMANDS, Command
from contracts.reading import CommandMessage, InvalidCommand
from contracts.replies import Invalid, Parked, Reply
from write_service import metrics
from write_service.adapters.deliveries import parked_command, parked_message
from write_service.service_layer.outcomes import HandlerFailed, RefusedByDatabase
from write_service.service_layer.parking import CRASHED, UNREADABLE, ToPark

UNKNOWN = "unknown"  # stands for the type of a command that is none: senders must not invent names of our metrics


def to_park(message: AbstractIncomingMessage, read: CommandMessage, replies: Sequence[Reply]) -> list[ToPark]:
    """What is kept of a message whose commands have these replies: those that failed, each by itself."""
    parked = []
    for index, (command, reply) in enumerate(zip(read.commands, replies, strict=True)):
        match reply:
            case HandlerFailed() | RefusedByDatabase():
                kind, reason = reply.kind, reply.reason
            case Parked():
                kind, reason = CRASHED, reply.reason
            case Invalid():
                kind, reason = UNREADABLE, "; ".join(f"{fault['type']}: {fault['msg']}" for fault in reply.errors)
            case _:
                continue
        if read.is_batch:
            parked.append(parked_command(message, command, kind, reason, index=index))
        else:
            parked.append(parked_message(message, kind, reason))
    return parked


def count(commands: Sequence[Command | InvalidCommand], replies: Sequence[Reply]) -> None:
    """Count those that no transaction has counted: what could not be read, what the database refused, what crashed."""
    for command, reply in zip(commands, replies, strict=True):
        if isinstance(command, InvalidCommand) or (isinstance(reply, Parked) and not isinstance(reply, HandlerFailed)):
            metrics.COMMANDS.labels(_type_of(command), reply.status).inc()


def count_unreadable() -> None:
    """Count a message of which there is no telling what its commands are."""
    metrics.COMMANDS.labels(UNKNOWN, "invalid").inc()


def told(reply: Reply) -> Reply:
    """The reply as its sender gets it: what a handler or the database says may hold rows of other people."""
    match reply:
        case HandlerFailed():
            return Parked(reply.command_id, "its handler failed, a fault of ours; it is kept for an operator")
        case RefusedByDatabase():
            return Parked(reply.command_id, "the database refuses it, a fault of ours; it is kept for an operator")
        case _:
            return reply


def _type_of(command: Command | InvalidCommand) -> str:
    if isinstance(command, Command):
        return command.type
    kind = command.content.get("type") if isinstance(command.content, dict) else None
    return kind if isinstance(kind, str) and kind in COMMANDS else UNKNOWN
