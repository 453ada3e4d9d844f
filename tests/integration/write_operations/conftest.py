"""The consumer of operations on a real broker and database, and somebody who asks."""

from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.integration.write_operations.asking import Asking, InMemoryParking, asking, consuming
from tests.integration.write_service.pipelines import Pipeline, pipeline
from tests.support.fresh import PostgresDatabase
from write_service.adapters.database import database
from write_service.adapters.event_log import PostgresEventLog


@pytest_asyncio.fixture
async def engine(postgres_database: PostgresDatabase) -> AsyncIterator[AsyncEngine]:
    async with database(postgres_database.url, timeout=10, connections=4) as made:
        yield made


@pytest_asyncio.fixture
async def owner(postgres_database: PostgresDatabase) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(postgres_database.setup_url)
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def replica(engine: AsyncEngine) -> AsyncIterator[Pipeline]:
    async with pipeline(engine) as made:
        yield made


@pytest_asyncio.fixture
async def parked() -> InMemoryParking:
    return InMemoryParking()


@pytest_asyncio.fixture
async def consumer(vhost: str, engine: AsyncEngine, parked: InMemoryParking) -> AsyncIterator[None]:
    async with consuming(vhost, PostgresEventLog(engine), parked):
        yield


@pytest_asyncio.fixture
async def asker(vhost: str) -> AsyncIterator[Asking]:
    async with asking(vhost) as made:
        yield made
