"""The tutorial's command service: a FastStream subscriber, a session a command, an outbox row, publish after commit."""

import asyncio
import contextlib
import os
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from faststream import AckPolicy
from faststream.rabbit import Channel, ExchangeType, RabbitBroker, RabbitExchange, RabbitMessage, RabbitQueue
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from tests.benchmarks.peers.naive.handlers import HANDLERS, Rejection
from tests.benchmarks.peers.naive.messages import EXCHANGE_EVENTS, QUEUE_COMMANDS, Command, as_json
from tests.benchmarks.peers.naive.tables import Event, HandledCommand, OutboxMessage

PREFETCH = int(os.environ.get("NAIVE_WRITE_PREFETCH", "10"))  # see the row `tuning`

# Confirms are on by default; what no queue takes raises instead of being dropped.
broker = RabbitBroker(
    os.environ["PEER_AMQP_URL"],
    logger=None,
    decoder=as_json,
    default_channel=Channel(prefetch_count=PREFETCH, on_return_raises=True),
)
events = RabbitExchange(EXCHANGE_EVENTS, type=ExchangeType.TOPIC, declare=False)
engine = create_async_engine(
    os.environ["PEER_POSTGRES_URL"].replace("postgresql://", "postgresql+asyncpg://"),
    pool_size=PREFETCH + 1,
    max_overflow=0,
)
sessions = async_sessionmaker(engine, expire_on_commit=False)


# It replies itself: what FastStream would send for its return value is mandatory, comes back from a direct reply-to as
# unroutable, and would give the command back to the queue.
@broker.subscriber(RabbitQueue(QUEUE_COMMANDS, declare=False), ack_policy=AckPolicy.NACK_ON_ERROR, no_reply=True)
async def on_command(command: Command, message: RabbitMessage) -> None:
    async with sessions.begin() as session:
        known = await session.get(HandledCommand, command.id)
        reply, event = (known.reply, await left(command, session)) if known else await handle(command, session)
    if message.reply_to:
        # Not mandatory: the broker takes a direct reply for a message without a queue.
        await broker.publish(reply, queue=message.reply_to, correlation_id=message.correlation_id, mandatory=False)
    if event:
        await publish(event)


async def handle(command: Command, session: AsyncSession) -> tuple[dict[str, Any], OutboxMessage | None]:
    """State, event, outbox row and outcome, in the session's transaction; a broken rule leaves only the outcome."""
    event = None
    reply = {"command_id": str(command.id), "company_id": str(command.subject)}
    try:
        company, kind, data = await HANDLERS[command.type](command, session)
    except Rejection as rejection:
        reply |= {"status": "rejected", "code": str(rejection)}
    else:
        company.version += 1
        reply |= {"status": "accepted", "version": str(company.version)}
        identity = uuid4()
        body = {
            "specversion": "1.0",
            "id": str(identity),
            "source": "/naive",
            "type": kind,
            "subject": str(company.id),
            "time": datetime.now(UTC).isoformat(),
            "version": company.version,
            "commandid": str(command.id),
            "data": data,
        }
        event = OutboxMessage(event_id=identity, type=kind, body=body)
        ids = {"event_id": identity, "company_id": company.id, "command_id": command.id}
        session.add_all([event, Event(**ids, version=company.version, type=kind, data=data)])
    session.add(HandledCommand(id=command.id, reply=reply))
    return reply, event


async def left(command: Command, session: AsyncSession) -> OutboxMessage | None:
    """What a failure between commit and publish has left of a command that comes again."""
    of_command = Event.command_id == command.id
    found: OutboxMessage | None = await session.scalar(
        select(OutboxMessage).join(Event, Event.event_id == OutboxMessage.event_id).where(of_command)
    )
    return found


async def publish(event: OutboxMessage) -> None:
    """Publish with a confirm, then forget the row."""
    await broker.publish(event.body, exchange=events, routing_key=event.type, persist=True, mandatory=True)
    async with sessions.begin() as session:
        await session.execute(delete(OutboxMessage).where(OutboxMessage.event_id == event.event_id))


async def warm() -> None:
    """Connect before commands come: one that waits for its first connection would be overtaken by dozens."""
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(PREFETCH):
            await stack.enter_async_context(engine.connect())


async def main() -> None:
    """Publish what a crash has left, then serve."""
    await warm()
    async with broker:
        async with sessions() as session:
            left = (await session.scalars(select(OutboxMessage))).all()
        for event in left:
            await publish(event)
        await broker.start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
