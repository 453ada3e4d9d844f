"""One read service for all tests of the views; each test gives it the documents that it wants."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from pymongo import monitoring

from deploy.local.stack import Stack
from tests.integration.read_views.reader import Reader, reading
from tests.integration.read_views.watching import SENT, Sent
from tests.support import fresh


@pytest.fixture(scope="package")
def sent() -> Sent:
    """Hears what clients send that are made from now on."""
    monitoring.register(SENT)
    return SENT


@pytest_asyncio.fixture(scope="package")
async def reader(servers: Stack, sent: Sent) -> AsyncIterator[Reader]:
    """A service that answers; its documents are what the test before left: say what is `given` first."""
    async with fresh.vhost(servers) as url, fresh.mongo_database(servers) as mongo, reading(url, mongo) as made:
        yield made
