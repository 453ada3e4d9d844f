"""The queries over the bus: acknowledged at once, answered at most once."""

import asyncio

import structlog
from aio_pika.abc import AbstractIncomingMessage
from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue
from faststream.rabbit.message import RabbitMessage
from pydantic_core import to_json

from contracts.errors import error
from contracts.reply_queues import may_receive
from contracts.results import Failed, InvalidQuery
from contracts.topology import READ_QUERIES
from contracts.values import MAX_MESSAGE_BYTES
from read_service import metrics
from read_service.entrypoints.replies import Replies
from read_service.views.answers import Answers, Reply

log = structlog.get_logger()


class Rpc:
    """Answers the queries of the bus."""

    def __init__(self, answers: Answers, replies: Replies, *, in_flight: int) -> None:
        self._answers = answers
        self._replies = replies
        self._places = asyncio.Semaphore(in_flight)

    async def on_query(self, message: AbstractIncomingMessage) -> None:
        """Answer one query. It is acknowledged before it waits, so that who waits does not hold up the queue."""
        async with self._places:  # without a place it stays unacknowledged: prefetch bounds how many do
            await message.ack()
            reply_to = message.reply_to
            if not reply_to or not may_receive(reply_to):
                reason = "forbidden_reply_to" if reply_to else "no_reply_to"
                metrics.UNANSWERABLE.labels(reason).inc()
                log.warning("query_unanswerable", query=message.routing_key, reason=reason)
                return
            body = to_json(await self._reply_to(message))
            if not await self._replies.send(reply_to, message.correlation_id, body):
                metrics.UNANSWERABLE.labels("not_sent").inc()

    async def _reply_to(self, message: AbstractIncomingMessage) -> Reply:
        if len(message.body) > MAX_MESSAGE_BYTES:
            return InvalidQuery(errors=[error("message_too_large", f"at most {MAX_MESSAGE_BYTES} bytes", "body")])
        try:
            return await self._answers.ask(message.routing_key or "", message.body, "bus")
        except Exception:
            log.exception("query_failed", query=message.routing_key)
            return Failed(message="something went wrong here")


def register(broker: RabbitBroker, rpc: Rpc, *, prefetch: int) -> None:
    """Have the broker consume the queries."""

    @broker.subscriber(
        RabbitQueue(READ_QUERIES.name, durable=True, declare=False),
        channel=Channel(prefetch_count=prefetch),
        ack_policy=AckPolicy.MANUAL,
        decoder=_whole,
        no_reply=True,
    )
    async def on_query(message: AbstractIncomingMessage) -> None:
        try:
            await rpc.on_query(message)
        except Exception as failure:  # noqa: BLE001 - FastStream, which has no logger, would say nothing of it
            log.warning("query_lost", query=message.routing_key, reason=f"{type(failure).__name__}: {failure}")


async def _whole(message: RabbitMessage) -> AbstractIncomingMessage:
    # The raw message as the handler's argument: asking for it by a Context parameter costs a thread hop.
    return message.raw_message
