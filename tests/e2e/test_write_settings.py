"""Settings of the write service reach the parts that they are for."""

import json

import pytest

from tests.e2e.write_side import bus, command, count, rows
from tests.support.eventually import eventually
from tests.support.processes import ready

pytestmark = pytest.mark.e2e

OUTCOME = """
    INSERT INTO command_log (id, company_id, digest, outcome, code, message, details, recorded_at)
    SELECT gen_random_uuid(), gen_random_uuid(), '', 'rejected', '{}', '', '{{}}', now() - interval '{} seconds'"""
LEFT = """
    INSERT INTO outbox (event_id, type, body, recorded_at)
    SELECT gen_random_uuid(), 'company.closed.v1', '{"left": "over"}', now() - interval '1 minute'"""


async def test_it_starts_with_a_sweep_and_a_purge_and_its_batches_are_bounded(environment: dict[str, str]) -> None:
    seldom = {"REGISTRAR_SWEEP_EVERY": "600", "REGISTRAR_PURGE_EVERY": "600"}
    bounds = {"REGISTRAR_BATCH_SIZE": "7", "REGISTRAR_REJECTIONS_KEPT": "1000"}
    await rows(environment, OUTCOME.format("old", 1100))
    await rows(environment, OUTCOME.format("young", 900))
    await rows(environment, LEFT)
    async with bus(environment) as client:
        for _ in range(60):
            await client.send(command())
        async with ready("write-service", environment=environment | seldom | bounds) as service:
            await eventually(lambda: count(environment, "events"), until=lambda found: found == 60)
            await eventually(lambda: count(environment, "outbox"), until=lambda found: found == 0)
            rejections = "SELECT code FROM command_log WHERE outcome = 'rejected'"
            await eventually(lambda: rows(environment, rejections), until=lambda found: found == [("young",)])
            assert await service.stop() == 0
            lines = [json.loads(line) for line in service.log.read_text().splitlines() if '"committed"' in line]
            assert max(line["commands"] for line in lines) == 7
        assert {"left": "over"} in await client.events()
