"""Documents of the test's own with their indexes, and engines on them as replicas have them."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import pytest_asyncio

from read_service.adapters.generations import make_generation
from read_service.adapters.mongo import Database, connected
from read_service.adapters.transactions import MongoTransactions
from read_service.projections.engine import Engine, lingering
from read_service.projections.planning import Plan
from read_service.projections.reading import Work, read_event_message
from read_service.projections.settling import Settling
from tests.support.fresh import MongoDatabase
from tests.support.histories import Event


@pytest_asyncio.fixture
async def documents(mongo_database: MongoDatabase) -> AsyncIterator[Database]:
    """An empty first generation."""
    async with connected(mongo_database.url, name="test") as database:
        await make_generation(database, 1, 3600)
        yield database


def work(events: Sequence[Event], kind: str | None = None) -> Work:
    """What an event message of these events holds."""
    return read_event_message(json.dumps(events).encode(), kind or events[0]["type"])


@dataclass
class Replica:
    """An engine that runs, and what it has committed."""

    engine: Engine
    settling: Settling
    plans: list[Plan]


@contextlib.asynccontextmanager
async def replica(url: str, *, hold: float = 0.05, timeout: float = 10) -> AsyncIterator[Replica]:  # noqa: ASYNC109
    """An engine with a connection of its own, running while the block does."""
    async with connected(url, name="replica", timeout=timeout) as database:
        transactions, plans = MongoTransactions(database, 1), list[Plan]()
        settling = Settling(transactions, plans.append)
        engine = Engine(settling, most_held=100, linger=lingering(200), hold=hold)
        running = asyncio.create_task(engine.run())
        try:
            yield Replica(engine, settling, plans)
        finally:
            running.cancel()
            await asyncio.wait([running])
            await transactions.close()
