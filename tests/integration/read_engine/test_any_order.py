"""Any order, any repetition, several replicas: the documents are exactly what the log says."""

import asyncio
import json
import os
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack

import pytest

from read_service.adapters.mongo import Database
from read_service.projections.reading import Work, read_event_message
from tests.integration.read_engine.conftest import replica
from tests.support.documents import assert_exact, positions
from tests.support.eventually import eventually
from tests.support.fresh import MongoDatabase
from tests.support.histories import Event, Folded, histories

EVENTS = int(os.environ.get("REGISTRAR_TEST_EVENTS", "3000"))


def deliveries(log: Sequence[Event], chance: random.Random, most_times: int = 3) -> list[Work]:
    """Every event one to three times, in any order, in messages of one type each."""
    repeated = [event for event in log for _ in range(chance.randint(1, most_times))]
    chance.shuffle(repeated)
    messages: dict[str, list[Event]] = {}
    works = []
    for event in repeated:
        message = messages.setdefault(event["type"], [])
        message.append(event)
        if len(message) >= chance.randint(1, 40):
            works.append(work(message))
            del messages[event["type"]]
    return [*works, *(work(message) for message in messages.values())]


def work(events: Sequence[Event], kind: str | None = None) -> Work:
    return read_event_message(json.dumps(events).encode(), kind or events[0]["type"])


@pytest.mark.parametrize(("replicas", "companies"), [(1, 200), (2, 200), (4, 200), (3, 1)])
async def test_shuffled_and_repeated_events_end_in_exactly_the_folded_documents(
    documents: Database, mongo_database: MongoDatabase, replicas: int, companies: int
) -> None:
    chance = random.Random(replicas)
    log = histories(replicas, companies, EVENTS if companies > 1 else EVENTS // 3)
    expected, works = Folded.of(log), deliveries(log, chance)
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
