"""Any order, any repetition, several replicas: the documents are exactly what the log says."""

import asyncio
import os
import random
from contextlib import AsyncExitStack

import pytest

from read_service.adapters.mongo import Database
from read_service.projections.reading import Work
from tests.integration.read_engine.conftest import replica, work
from tests.support.deliveries import deliveries
from tests.support.documents import assert_exact, positions
from tests.support.eventually import eventually
from tests.support.fresh import MongoDatabase
from tests.support.histories import Folded, histories

EVENTS = int(os.environ.get("REGISTRAR_TEST_EVENTS", "3000"))


@pytest.mark.parametrize(("replicas", "companies"), [(1, 200), (2, 200), (4, 200), (3, 1)])
async def test_shuffled_and_repeated_events_end_in_exactly_the_folded_documents(
    documents: Database, mongo_database: MongoDatabase, replicas: int, companies: int
) -> None:
    chance = random.Random(replicas)
    log = histories(replicas, companies, EVENTS if companies > 1 else EVENTS // 3)
    expected, works = Folded.of(log), [work(message) for message in deliveries(log, chance)]
    async with AsyncExitStack() as stack:
        engines = [(await stack.enter_async_context(replica(mongo_database.url))).engine for _ in range(replicas)]

        async def consume(place: int) -> None:
            gate = asyncio.Semaphore(100)  # as prefetch bounds what a replica holds

            async def take(one: Work) -> None:
                async with gate:
                    await engines[place].apply(one)

            await asyncio.gather(*(take(one) for one in works[place::replicas]))

        async with asyncio.timeout(100):
            await asyncio.gather(*(consume(place) for place in range(replicas)))
        # What is stored apart is taken out by itself, after the messages were done with.
        await eventually(lambda: positions(documents), until=lambda seen: seen == expected.positions)
    await assert_exact(documents, expected)
