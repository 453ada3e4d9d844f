"""Real replicas of the read service, and events in any order and any repetition: the documents are what the log says.

REGISTRAR_TEST_EVENTS=20000 is the long form: 1, 2 and 4 replicas, and one hot company alone.
"""

import os
import random
import time

import pytest

from tests.support.deliveries import deliveries, publish
from tests.support.documents import assert_exact, positions
from tests.support.eventually import eventually
from tests.support.histories import Folded, histories
from tests.support.running import documents, messages, running

EVENTS = int(os.environ.get("REGISTRAR_TEST_EVENTS", "0"))
REPLICAS_AND_COMPANIES = [(1, 200), (2, 200), (4, 200), (4, 1)] if EVENTS else [(2, 200), (2, 1)]

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900 if EVENTS else 120)]


@pytest.mark.parametrize(("replicas", "companies"), REPLICAS_AND_COMPANIES)
async def test_shuffled_and_repeated_messages_end_in_exactly_the_folded_documents(
    environment: dict[str, str], replicas: int, companies: int
) -> None:
    log = histories(replicas, companies, EVENTS or (2000 if companies > 1 else 500))
    expected, amqp_url = Folded.of(log), environment["REGISTRAR_AMQP_URL"]
    async with documents(environment) as database:
        async with running("read-service", replicas, environment=environment) as services:
            began = time.monotonic()
            await publish(amqp_url, deliveries(log, random.Random(replicas)))

            async def all_there() -> bool:
                return await positions(database) == expected.positions and await messages(amqp_url) == 0

            await eventually(all_there, within=800 if EVENTS else 30, every=0.1)
            print(f"{len(log)} events, {companies} companies, {replicas} replicas: {time.monotonic() - began:.1f} s")
            assert [await service.stop() for service in services] == [0] * replicas
        assert await messages(amqp_url) == 0
        await assert_exact(database, expected)
        assert await database["parked.g1"].count_documents({}) == 0
