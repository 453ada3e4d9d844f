"""The ceiling: takes command messages and acknowledges them without looking inside, as fast as each library can."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import aio_pika
from aio_pika.abc import AbstractIncomingMessage
from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitMessage, RabbitQueue

from tests.benchmarks.peers.counter import Counter

QUEUE = "write_service.commands"
PREFETCH = 500  # the write service takes 200


async def faststream(url: str, counter: Counter) -> None:
    """A FastStream subscriber in its fastest form: an async decoder, no injected parameters, no logger."""
    broker = RabbitBroker(url, logger=None, apply_types=False)

    async def as_it_came(message: RabbitMessage) -> RabbitMessage:
        return message

    @broker.subscriber(
        RabbitQueue(QUEUE, declare=False),
        ack_policy=AckPolicy.NACK_ON_ERROR,
        decoder=as_it_came,
        channel=Channel(prefetch_count=PREFETCH),
    )
    async def take(message: RabbitMessage) -> None:
        counter.add()

    await broker.start()
    await asyncio.Event().wait()


async def raw(url: str, counter: Counter) -> None:
    """A plain aio-pika consumer, one acknowledgement a message."""

    async def take(message: AbstractIncomingMessage) -> None:
        await message.ack()
        counter.add()

    await _consume(url, take)


async def raw_many(url: str, counter: Counter) -> None:
    """A plain aio-pika consumer, one acknowledgement for fifty messages. The last few stay unacknowledged."""

    async def take(message: AbstractIncomingMessage) -> None:
        counter.add()
        if counter.value % 50 == 0:
            await message.ack(multiple=True)

    await _consume(url, take)


async def echo(url: str, counter: Counter) -> None:
    """Replies with the same body and acknowledges: what the broker itself takes for a question and an answer."""
    async with await aio_pika.connect(url) as connection:
        replies = (await connection.channel()).default_exchange

        async def take(message: AbstractIncomingMessage) -> None:
            answer = aio_pika.Message(message.body, correlation_id=message.correlation_id)
            await replies.publish(answer, str(message.reply_to), mandatory=False)
            await message.ack()
            counter.add()

        await _consume(url, take)


async def _consume(url: str, take: Callable[[AbstractIncomingMessage], Awaitable[None]]) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.set_qos(PREFETCH)
        await (await channel.get_queue(QUEUE, ensure=False)).consume(take)
        await asyncio.Event().wait()


WAYS = {"faststream": faststream, "raw": raw, "raw_many": raw_many, "echo": echo, "echo_classic": echo}

if __name__ == "__main__":
    asyncio.run(WAYS[sys.argv[1]](os.environ["PEER_AMQP_URL"], Counter(Path(os.environ["PEER_COUNTER"]))))
