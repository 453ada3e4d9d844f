"""Replies to commands: sent after the commit, once, in the background. Who misses one sends the command again."""

import asyncio
import uuid

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from contracts.publisher import ConfirmedPublisher, Returned, Unconfirmed, Unsendable
from contracts.replies import Reply, encode
from contracts.reply_queues import may_receive
from write_service.logs import logger

JSON = "application/json"

log = logger(__name__)


class Replies:
    """Sends replies, over a connection that carries nothing else: a caller's address may cost a connection its life."""

    def __init__(self, publisher: ConfirmedPublisher, at_most: int = 2_000) -> None:
        self._publisher = publisher
        self._at_most = at_most  # while the broker takes nothing, replies are dropped rather than gathered
        self._under_way: set[asyncio.Task[None]] = set()

    def send(self, message: AbstractIncomingMessage, reply: Reply | list[Reply]) -> None:
        """Send the reply, where one was asked for and may be sent there. Returns at once, raises nothing."""
        to = message.reply_to
        if not to or not may_receive(to) or len(self._under_way) >= self._at_most:
            return
        task = asyncio.create_task(self._send(to, message.correlation_id, reply), name="reply")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def drained(self) -> None:
        """Returns when no reply is under way any more."""
        while self._under_way:
            await asyncio.wait(set(self._under_way))

    async def _send(self, to: str, correlation_id: str | None, reply: Reply | list[Reply]) -> None:
        await send_once(self._publisher, to, correlation_id, encode(reply))


async def send_once(publisher: ConfirmedPublisher, to: str, correlation_id: str | None, body: bytes) -> None:
    """Send a reply, or log that it is lost: who waits asks again."""
    try:
        await publisher.publish(
            "",
            to,
            body,
            content_type=JSON,
            correlation_id=correlation_id,
            message_id=str(uuid.uuid4()),
            delivery_mode=aio_pika.DeliveryMode.NOT_PERSISTENT,
        )
    except (Returned, Unconfirmed, Unsendable) as lost:
        log.info("reply_lost", correlation_id=correlation_id, reason=str(lost))
