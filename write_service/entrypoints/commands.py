"""The consumer of commands: read, handle, park what needs it, reply; acknowledged when all of that is durable."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from aio_pika.abc import AbstractIncomingMessage

from contracts.commands import Command
from contracts.reading import CommandMessage, InvalidCommand, Unreadable, read_command_message
from contracts.replies import Invalid, Reply
from write_service.adapters.deliveries import parked_message
from write_service.entrypoints.failing import count, count_unreadable, to_park, told
from write_service.entrypoints.replies import Replies
from write_service.logs import logger
from write_service.service_layer.parking import UNREADABLE, Parking, ToPark

RETRY_SECONDS = 1.0

log = logger(__name__)


class Handle(Protocol):
    """Commands through the pipeline."""

    async def __call__(self, commands: Sequence[Command], *, redelivered: bool) -> list[Reply]:
        """Their replies, in order, after the commit."""


class CommandConsumer:
    """Deals with one command message at a time, many at once."""

    def __init__(self, handle: Handle, parking: Parking, replies: Replies) -> None:
        self._handle = handle
        self._parking = parking
        self._replies = replies

    async def take(self, message: AbstractIncomingMessage) -> None:
        """Returns when the message may be acknowledged; raises only CancelledError, and it may not."""
        try:
            read = read_command_message(message.body, message.content_type, message.routing_key or "")
        except Unreadable as unreadable:
            await self._park([parked_message(message, UNREADABLE, str(unreadable))])
            count_unreadable()
            self._replies.send(message, Invalid(None, unreadable.errors))
            return
        replies = await self._replies_to(read, redelivered=bool(message.redelivered))
        if failed := to_park(message, read, replies):
            await self._park(failed)
            count(read.commands, replies)
            replies = [told(reply) for reply in replies]
        self._replies.send(message, replies if read.is_batch else replies[0])

    async def _replies_to(self, read: CommandMessage, *, redelivered: bool) -> list[Reply]:
        valid = [command for command in read.commands if isinstance(command, Command)]
        handled = iter(await self._handle(valid, redelivered=redelivered) if valid else ())
        return [
            Invalid(command.command_id, command.errors) if isinstance(command, InvalidCommand) else next(handled)
            for command in read.commands
        ]

    async def _park(self, messages: Sequence[ToPark]) -> None:
        while messages:
            try:
                await self._parking.park(messages)
            except Exception as failure:  # noqa: BLE001 - Postgres is away: the message waits, unacknowledged
                log.warning("parking_waits", messages=len(messages), reason=f"{type(failure).__name__}: {failure}")
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return
