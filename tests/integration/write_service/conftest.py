"""One Postgres for the run, one migrated database and engine for each test."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import TypeAlias

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.support import postgres
from tests.support.postgres import Server
from write_service.adapters.database import database

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "integration/write_service" in str(item.path):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with postgres.postgres_server() as started:
        asyncio.run(postgres.prepare(started))
        postgres.migrate(started)
        yield started


@pytest_asyncio.fixture
async def database_name(server: Server) -> AsyncIterator[str]:
    name = await postgres.new_database(server)
    yield name
    await postgres.drop_database(server, name)


@pytest_asyncio.fixture
async def engine(server: Server, database_name: str) -> AsyncIterator[AsyncEngine]:
    async with database(server.url(database_name), timeout=10, connections=8) as made:
        yield made


@pytest_asyncio.fixture
async def owner(server: Server, database_name: str) -> AsyncIterator[Owner]:
    connection = await asyncpg.connect(server.url(database_name, postgres.OWNER))
    yield connection
    await connection.close()
