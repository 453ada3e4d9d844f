"""`write-service replay`: the log comes again, in order, to one queue of the read service and nobody else."""

import json

import aio_pika
import pytest

from contracts.topology import live_events, repairs
from tests.e2e.write_side import bus, command, typed
from tests.support.processes import ready

pytestmark = pytest.mark.e2e


async def test_the_log_is_sent_again_to_one_queue(environment: dict[str, str]) -> None:
    async with ready("write-service", environment=environment) as service, bus(environment) as client:
        companies = [command() for _ in range(3)]
        renames = [command("company.rename.v1", subject=one["subject"], data={"name": one["id"]}) for one in companies]
        await client.ask([*companies, *renames])
        assert await service.stop() == 0
        live = await client.messages(live_events(1).name)

        queue = repairs(1).name
        code, said = await typed(environment, "replay", queue)
        assert (code, said) == (0, f"6 events were sent to {queue}\n")
        code, said = await typed(environment, "replay", queue, "--company", companies[0]["subject"], "--json")
        assert (code, json.loads(said)) == (0, {"sent": 2})
        assert await client.messages(live_events(1).name) == live

    sent = []
    async with await aio_pika.connect(environment["REGISTRAR_AMQP_URL"]) as connection:
        asked = await (await connection.channel()).get_queue(queue, ensure=False)
        while (message := await asked.get(fail=False, no_ack=True)) is not None:
            assert message.type == "replay.v1"
            sent += [(event["subject"], event["version"]) for event in json.loads(message.body)]
    in_order = [(company, version) for company in sorted(one["subject"] for one in companies) for version in (1, 2)]
    assert sent == [*in_order, (companies[0]["subject"], 1), (companies[0]["subject"], 2)]


@pytest.mark.parametrize(
    ("queue", "code", "words"),
    [("write_service.commands", 2, "String should match"), ("read_service.nowhere", 1, "no queue takes")],
)
async def test_it_goes_nowhere_else(environment: dict[str, str], queue: str, code: int, words: str) -> None:
    if code == 1:
        async with ready("write-service", environment=environment) as service, bus(environment) as client:
            await client.ask(command())
            assert await service.stop() == 0
    ended, said = await typed(environment, "replay", queue)
    assert (ended, words in said, "Traceback" in said) == (code, True, False), said
