"""The broker's own dead letters, moved into our custody: their senders are told, where they still can be."""

import asyncio
from typing import Any

from aio_pika.abc import AbstractIncomingMessage

from contracts.commands import Command
from contracts.reading import InvalidCommand, Unreadable, read_command_message
from contracts.replies import Invalid, Parked, Reply
from write_service.adapters.deliveries import parked_message
from write_service.entrypoints.replies import Replies
from write_service.logs import logger
from write_service.service_layer.parking import DEAD_LETTER, Parking, ToPark

RETRY_SECONDS = 1.0

log = logger(__name__)


class DeadLetters:
    """Parks one dead letter at a time, under the exchange and routing key with which it was sent."""

    def __init__(self, parking: Parking, replies: Replies) -> None:
        self._parking = parking
        self._replies = replies

    async def take(self, message: AbstractIncomingMessage) -> None:
        """Returns when the message may be acknowledged."""
        letter = dead_letter(message)
        while True:
            try:
                await self._parking.park([letter])
            except Exception as failure:  # noqa: BLE001 - Postgres is away: the message waits, unacknowledged
                log.warning("dead_letter_waits", reason=f"{type(failure).__name__}: {failure}")
                await asyncio.sleep(RETRY_SECONDS)
            else:
                break
        if reply := _reply(letter):
            self._replies.send(message, reply)


def dead_letter(message: AbstractIncomingMessage) -> ToPark:
    """What is parked of a dead letter: `x-death` says where it comes from, and why it died."""
    death = _first_death(message)
    keys = death.get("routing-keys")
    key = keys[0] if isinstance(keys, list) and keys else message.routing_key
    reason = f"{death.get('reason', 'unknown')} in {death.get('queue', 'an unknown queue')}"
    exchange = str(death.get("exchange", message.exchange or ""))
    return parked_message(message, DEAD_LETTER, f"the broker gave up on it: {reason}", exchange=exchange, key=str(key))


def _reply(letter: ToPark) -> Reply | list[Reply] | None:
    """What the sender is told: of a batch each command in its order; nothing where no command is to be seen."""
    try:
        read = read_command_message(letter.body, letter.content_type, letter.routing_key)
    except Unreadable:
        return None if letter.command_id is None else Parked(letter.command_id, letter.reason)
    replies = [_of(command, letter.reason) for command in read.commands]
    return replies if read.is_batch else replies[0]


def _of(command: Command | InvalidCommand, reason: str) -> Reply:
    if isinstance(command, Command):
        return Parked(command.id, reason)
    return Parked(command.command_id, reason) if command.command_id else Invalid(None, command.errors)


def _first_death(message: AbstractIncomingMessage) -> dict[str, Any]:
    deaths: Any = (message.headers or {}).get("x-death")
    found = deaths[-1] if isinstance(deaths, list) and deaths else {}  # the newest comes first
    return found if isinstance(found, dict) else {}
