"""Servers that may be killed: a stack of this suite's own, and on it something fresh for each test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local import postgres, rabbitmq, servers
from deploy.local.stack import Stack
from tests.faults.system import System
from tests.support import fresh


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A broker and a Postgres of the module's own."""
    stack = Stack(tmp_path_factory.mktemp("faults").resolve(), test=True)
    try:
        for name in (postgres.NAME, rabbitmq.NAME):
            servers.start(stack, name)
        fresh.migrate_template(stack)
        yield stack
    finally:
        servers.down(stack)
        servers.wipe(stack)


@pytest_asyncio.fixture
async def system(mortal: Stack) -> AsyncIterator[System]:
    """An empty database and an empty broker, which are well again after the test."""
    async with fresh.vhost(mortal) as amqp_url, fresh.postgres_database(mortal) as database:
        made = System(mortal, amqp_url, database)
        try:
            yield made
        finally:
            await made.mend()
