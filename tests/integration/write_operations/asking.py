"""Asking the write service over a real broker, and taking what it publishes."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from faststream.rabbit import RabbitBroker
from pydantic import BaseModel
from pydantic_core import from_json

from contracts.operations import OPERATIONS as TYPES
from contracts.publisher import ConfirmedPublisher
from contracts.topology import OPERATIONS, WRITE_OPERATIONS, repairs
from tests.support.eventually import eventually
from write_service.entrypoints.consuming import consuming_broker, stop_consuming
from write_service.entrypoints.operations import OperationsConsumer, register
from write_service.service_layer.operations import EventLog
from write_service.service_layer.parking import ToPark

QUEUE = repairs(1).name
KINDS: dict[type[BaseModel], str] = {model: kind for kind, model in TYPES.items()}


@dataclass
class InMemoryParking:
    """A custody that remembers."""

    messages: list[ToPark] = field(default_factory=list)

    async def park(self, messages: Sequence[ToPark]) -> None:
        self.messages += messages


@contextlib.asynccontextmanager
async def consuming(
    url: str, log: EventLog, parking: InMemoryParking, answer_within: float = 10, *, dies: bool = False
) -> AsyncIterator[RabbitBroker]:
    """The consumer, as one replica of the service has it; at the end it drains, or dies with what it holds."""
    publisher = ConfirmedPublisher(url, name="test publishing", confirm_timeout=5)
    await publisher.connect()
    broker = consuming_broker(url)
    register(broker, OperationsConsumer(log, publisher, publisher, parking, answer_within))
    await broker.start()
    try:
        yield broker
    finally:
        async with asyncio.timeout(20):
            await (broker._connection.close() if dies and broker._connection else stop_consuming(broker))
        await broker.stop()
        await publisher.close()


class Asking:
    """Sends requests and waits for their answers."""

    def __init__(self, channel: AbstractChannel) -> None:
        self.channel = channel
        self.answers: dict[str | None, dict[str, Any]] = {}

    async def send(self, operation: str, body: bytes, *, reply_to: str | None = "amq.rabbitmq.reply-to") -> str:
        """Send a request as it is; its correlation id."""
        correlation_id = str(uuid.uuid4())
        message = aio_pika.Message(
            body,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=correlation_id,
            correlation_id=correlation_id,
            reply_to=reply_to,
        )
        exchange = await self.channel.get_exchange(OPERATIONS, ensure=False)
        await exchange.publish(message, operation)
        return correlation_id

    async def ask(self, request: BaseModel, within: float = 15) -> dict[str, Any]:
        """The answer to a request."""
        body = request.model_dump_json(exclude_none=True).encode()
        return await self.answer(await self.send(KINDS[type(request)], body), within)

    async def answer(self, correlation_id: str, within: float = 15) -> dict[str, Any]:
        """The answer with this correlation id."""
        return await eventually(lambda: self.answers.get(correlation_id, {}), within=within, every=0.005)

    async def heard(self, message: AbstractIncomingMessage) -> None:
        """Takes an answer."""
        assert message.content_type == "application/json"
        self.answers[message.correlation_id] = from_json(message.body)

    async def taken(self, queue: str = QUEUE) -> list[AbstractIncomingMessage]:
        """All messages that rest in a queue, in their order, taken out of it."""
        messages = []
        source = await self.channel.get_queue(queue, ensure=False)
        while (message := await source.get(no_ack=True, fail=False)) is not None:
            messages.append(message)
        return messages

    async def waiting(self, queue: str = WRITE_OPERATIONS.name) -> int:
        """How many messages rest in a queue, ready to be taken."""
        declared = await self.channel.declare_queue(queue, passive=True)
        return declared.declaration_result.message_count or 0


@contextlib.asynccontextmanager
async def asking(url: str) -> AsyncIterator[Asking]:
    """Somebody who asks over a connection of his own."""
    connection = await aio_pika.connect(url, timeout=10)
    async with connection:
        made = Asking(await connection.channel())
        replies = await made.channel.get_queue("amq.rabbitmq.reply-to", ensure=False)
        await replies.consume(made.heard, no_ack=True)
        yield made


def events_of(messages: Sequence[AbstractIncomingMessage]) -> list[dict[str, Any]]:
    """The events of messages, one after the other."""
    return [event for message in messages for event in from_json(message.body)]
