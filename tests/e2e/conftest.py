"""The whole system as processes, for all tests of a module: whoever uses it makes companies of its own."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
import pytest_asyncio

from deploy.local.stack import Stack
from tests.support import fresh
from tests.support.processes import Process
from tests.support.running import documents, running


@dataclass(frozen=True, slots=True)
class Whole:
    """Addresses, and the services."""

    environment: Mapping[str, str]
    writers: list[Process]
    readers: list[Process]

    @property
    def amqp_url(self) -> str:
        """The bus."""
        return self.environment["REGISTRAR_AMQP_URL"]


@pytest_asyncio.fixture(scope="module")
async def whole(migrated: Stack, request: pytest.FixtureRequest) -> AsyncIterator[Whole]:
    """So many write services and read services as the module's REPLICAS says."""
    number_of_writers, number_of_readers = request.module.REPLICAS
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(fresh.postgres_database(migrated))
        mongo = await stack.enter_async_context(fresh.mongo_database(migrated))
        environment = {
            "REGISTRAR_AMQP_URL": await stack.enter_async_context(fresh.vhost(migrated)),
            "REGISTRAR_POSTGRES_URL": postgres.url,
            "REGISTRAR_MONGO_URL": mongo.url,
            "REGISTRAR_MONGO_VIEWS_URL": mongo.views_url,
        }
        await stack.enter_async_context(documents(environment))
        writers = await stack.enter_async_context(running("write-service", number_of_writers, environment=environment))
        readers = await stack.enter_async_context(running("read-service", number_of_readers, environment=environment))
        yield Whole(environment, writers, readers)
