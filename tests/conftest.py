"""Fixtures of all tests: the private servers, started once a run, and what each test has for itself on them."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from deploy.local.stack import Stack
from tests.support import fresh
from tests.support.fresh import MongoDatabase, PostgresDatabase
from tests.support.servers import running_servers, test_root


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "servers" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def servers() -> Iterator[Stack]:
    """RabbitMQ, PostgreSQL and MongoDB. Only for tests that need no more than their addresses."""
    with running_servers(test_root()) as stack:
        yield stack


@pytest.fixture(scope="session")
def migrated(servers: Stack) -> Stack:
    """The servers, with the template of the write service's database."""
    fresh.migrate_template(servers)
    return servers


@pytest_asyncio.fixture
async def postgres_database(migrated: Stack) -> AsyncIterator[PostgresDatabase]:
    """A migrated database of the test's own."""
    async with fresh.postgres_database(migrated) as database:
        yield database


@pytest_asyncio.fixture
async def vhost(servers: Stack) -> AsyncIterator[str]:
    """The AMQP address of a virtual host with the topology and without messages."""
    async with fresh.vhost(servers) as url:
        yield url


@pytest_asyncio.fixture
async def mongo_database(servers: Stack) -> AsyncIterator[MongoDatabase]:
    """An empty database of documents of the test's own."""
    async with fresh.mongo_database(servers) as database:
        yield database


@pytest.fixture
def environment(vhost: str, postgres_database: PostgresDatabase, mongo_database: MongoDatabase) -> dict[str, str]:
    """The settings of a whole system of the test's own, for services that run as processes."""
    return {
        "REGISTRAR_AMQP_URL": vhost,
        "REGISTRAR_POSTGRES_URL": postgres_database.url,
        "REGISTRAR_POSTGRES_SETUP_URL": postgres_database.setup_url,
        "REGISTRAR_MONGO_URL": mongo_database.url,
        "REGISTRAR_MONGO_VIEWS_URL": mongo_database.views_url,
    }
