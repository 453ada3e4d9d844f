"""Replicas of the read side that consume, repair and answer to nobody, each with connections of its own."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import aio_pika
import pytest_asyncio
from aio_pika.abc import AbstractChannel

from contracts.intake import Intake
from contracts.topology import EVENTS, live_events
from read_service.adapters.generations import make_generation
from read_service.adapters.mongo import Database, connected
from read_service.adapters.transactions import MongoTransactions
from read_service.entrypoints.events import EventConsumer
from read_service.projections.engine import Engine, lingering
from read_service.projections.planning import Plan
from read_service.projections.settling import Settling
from read_service.repairing import Pace, repairing
from read_service.verification.noticing import Wants
from tests.integration.read_repair.told import send
from tests.support.fresh import MongoDatabase
from tests.support.histories import Event

QUICK = Pace(look=0.05, quiet=0.2, moment=0.2, heads=0.3, overlap=30, walk=3600, first_pause=1.0)


@dataclass
class Replica:
    """What a test reaches into."""

    engine: Engine
    wants: Wants
    plans: list[Plan]


@dataclass
class World:
    """Where replicas live, and a channel on which events are published."""

    amqp_url: str
    mongo_url: str
    documents: Database
    channel: AbstractChannel

    async def publish(self, events: Sequence[Event]) -> None:
        """Each event in a message of its own, as the write service sends it."""
        for event in events:
            await send(self.channel, EVENTS, event["type"], json.dumps([event]).encode(), event["type"])

    @contextlib.asynccontextmanager
    async def replica(self, pace: Pace = QUICK, *, consumes: bool = True) -> AsyncIterator[Replica]:
        """A replica of the read side, running while the block does."""
        async with contextlib.AsyncExitStack() as stack:
            database = await stack.enter_async_context(connected(self.mongo_url, name="replica"))
            transactions, plans, wants = MongoTransactions(database, 1), list[Plan](), Wants(0.1)
            stack.push_async_callback(transactions.close)
            engine = Engine(Settling(transactions, plans.append), most_held=50, linger=lingering(100))
            running = asyncio.create_task(engine.run())
            stack.push_async_callback(asyncio.wait, [running])
            stack.callback(running.cancel)
            live = Intake(
                self.amqp_url, live_events(1).name, EventConsumer(engine).take, prefetch=100, name="test live"
            )
            stack.push_async_callback(live.close)
            if consumes:
                await live.start()
            await stack.enter_async_context(
                repairing(self.amqp_url, database, 1, engine, wants, prefetch=100, pace=pace)
            )
            yield Replica(engine, wants, plans)


@pytest_asyncio.fixture
async def world(vhost: str, mongo_database: MongoDatabase) -> AsyncIterator[World]:
    async with connected(mongo_database.url, name="test") as documents, await aio_pika.connect(vhost) as connection:
        await make_generation(documents, 1, 3600)
        yield World(vhost, mongo_database.url, documents, await connection.channel())
