"""A client and somebody who answers it, on a virtual host of the test's own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from contracts.client import Client
from tests.integration.client.responder import Responder
from tests.integration.client.typing_it import Registrar, registrar_at


@pytest_asyncio.fixture
async def responder(vhost: str) -> AsyncIterator[Responder]:
    """Answers commands and queries."""
    async with Responder(vhost) as made:
        yield made


@pytest_asyncio.fixture
async def client(vhost: str) -> AsyncIterator[Client]:
    """A connected client."""
    async with Client(vhost) as made:
        yield made


@pytest.fixture
def registrar(vhost: str) -> Registrar:
    """Types `registrar` commands."""
    return registrar_at(vhost)
