"""The write service as a process: from command to event, stopped, killed, started again."""

import asyncio
import signal
import urllib.request
from typing import Any

import asyncpg
import pytest

from tests.e2e.write_side import QUICK, Bus, bus, command, count, rows, typed
from tests.support.eventually import eventually
from tests.support.processes import Process, process, ready

pytestmark = pytest.mark.e2e

BROKEN = "ALTER TABLE events ADD CONSTRAINT broken CHECK (false) NOT VALID"


def said_by(service: Process, path: str) -> str:
    with urllib.request.urlopen(f"{service.url}{path}", timeout=3) as answer:  # noqa: S310 - our own
        return str(answer.read().decode())


async def test_a_command_becomes_a_reply_an_event_and_nothing_is_left_over(environment: dict[str, str]) -> None:
    async with ready("write-service", environment=environment | QUICK) as service, bus(environment) as client:
        one = command(correlationid="c1")
        rename = command("company.rename.v1", subject=one["subject"], data={"name": "Umbrella"})
        registered = await client.ask(one)
        assert (registered["status"], registered["company_id"], registered["version"]) == (
            "accepted",
            one["subject"],
            1,
        )
        replies = await client.ask([one, rename, command("company.activate.v1", subject=one["subject"], data={})])
        told = [(reply["status"], reply.get("repeated"), reply.get("code")) for reply in replies]
        assert told == [("accepted", True, None), ("accepted", None, None), ("rejected", None, "owner_required")]
        await eventually(lambda: count(environment, "outbox"), until=lambda rows: rows == 0)
        events = await client.events()
        assert sorted(event["type"] for event in events) == [
            "command.rejected.v1",
            "company.registered.v1",
            "company.renamed.v1",
        ]
        assert events[0]["correlationid"] == "c1"
        shown = await asyncio.to_thread(said_by, service, "/metrics")
        assert 'registrar_write_commands_total{outcome="accepted",type="company.register.v1"} 1.0' in shown
        assert service.health("/health/live") == 200
        assert await service.stop() == 0


async def test_told_to_stop_it_finishes_what_it_took_and_gives_nothing_back(environment: dict[str, str]) -> None:
    async with bus(environment) as client:
        commands = [command() for _ in range(300)]
        async with ready("write-service", environment=environment | {"REGISTRAR_PREFETCH": "50"}) as service:
            sending = asyncio.create_task(asyncio.wait_for(send_all(client, commands), 20))
            await eventually(lambda: count(environment, "events"), until=lambda found: found > 20)
            assert await service.stop() == 0
            await sending
        handled = await count(environment, "events")
        assert handled + await client.messages() == 300
        assert await count(environment, "outbox") == 0
        assert len(await client.events()) == handled
        async with ready("write-service", environment=environment) as service:
            await eventually(lambda: count(environment, "events"), until=lambda found: found == 300)
            assert '"suspects"' not in service.log.read_text()  # nothing came again


async def send_all(client: Bus, commands: list[dict[str, Any]]) -> None:
    await asyncio.gather(*(client.send(one) for one in commands))


async def test_killed_at_any_moment_it_loses_nothing_and_does_nothing_twice(environment: dict[str, str]) -> None:
    async with bus(environment) as client:
        commands = [command() for _ in range(300)]
        async with ready("write-service", environment=environment | QUICK) as service:
            sending = asyncio.create_task(send_all(client, commands))
            await eventually(lambda: count(environment, "events"), until=lambda found: found > 20, every=0.005)
            await service.kill()
            await sending
            await service.start()
            await service.ready()  # the first may have committed all of them
            await eventually(lambda: count(environment, "events"), until=lambda found: found == 300)
            await eventually(lambda: count(environment, "outbox"), until=lambda found: found == 0)
            assert await count(environment, "suspects") == 0
            assert await service.stop() == 0
        published = [event["commandid"] for event in await client.events()]
        assert set(published) == {one["id"] for one in commands}
        assert await client.messages() == 0


async def test_a_command_that_kills_the_process_is_parked_alone(environment: dict[str, str]) -> None:
    surroundings = environment | QUICK | {"REGISTRAR_CRASH_ON_ACTOR": "killer"}
    async with bus(environment) as client:
        commands = [command() for _ in range(50)]
        commands[20]["actor"] = "killer"
        for one in commands:
            await client.send(one)
        deaths = 0
        async with process("write-service", "serve", environment=surroundings) as service:

            async def all_are_handled() -> bool:
                nonlocal deaths
                if service.ended is not None:
                    assert service.ended == -signal.SIGKILL
                    deaths += 1
                    await service.start()
                return await count(environment, "events") == 49 and await count(environment, "parked") == 1

            await eventually(all_are_handled, within=90, every=0.05)
            assert deaths <= 3
            await eventually(client.messages, until=lambda found: found == 0)
            assert await service.stop() == 0
        parked = await rows(environment, "SELECT kind, command_id FROM parked")
        assert parked == [("crashed", commands[20]["id"])]
        code, said = await typed(environment, "parked", "list")
        assert (code, "1 parked" in said, "crashed" in said) == (0, True, True)


async def test_a_second_signal_ends_it_at_once(environment: dict[str, str]) -> None:
    lock = "LOCK TABLE companies IN ACCESS EXCLUSIVE MODE"
    async with ready("write-service", environment=environment) as service, bus(environment) as client:
        holder = await asyncpg.connect(environment["REGISTRAR_POSTGRES_SETUP_URL"])
        async with holder.transaction():
            await holder.execute(lock)
            one = command()
            await client.send(one)
            await eventually(lambda: "registrar_write_in_flight 1.0" in said_by(service, "/metrics"))
            service.send(signal.SIGTERM)
            await eventually(lambda: '"stopping"' in service.log.read_text())
            assert service.ended is None
            service.send(signal.SIGTERM)
            assert await service.end(within=3) == 1
        await holder.close()
        await eventually(client.messages, until=lambda found: found == 1)
    assert await count(environment, "events") == 0


async def away_again(service: Process, turn: int) -> None:
    """Wait until the service, started so many times, has met the database that is away."""

    def waits() -> bool:
        told = service.log.read_text().split('"started"')
        return len(told) == turn + 1 and '"database_away"' in told[-1]

    await eventually(waits)


async def test_ended_while_it_waits_for_the_database_it_loses_nothing_and_accuses_nobody(
    environment: dict[str, str],
) -> None:
    surroundings = environment | QUICK | {"REGISTRAR_STOP_WITHIN": "0.3", "REGISTRAR_DEATHS_ALLOWED": "1"}
    await rows(environment, BROKEN)
    async with bus(environment) as client, process("write-service", "serve", environment=surroundings) as service:
        commands = [command() for _ in range(5)]
        await send_all(client, commands)
        for turn in (1, 2, 3):
            await away_again(service, turn)
            service.send(signal.SIGTERM)
            assert await service.end(within=5) == 1
            assert service.log.read_text().count('"not_stopped_in_time"') == turn, service.last_words()
            await eventually(client.messages, until=lambda found: found == 5)
            await service.start()
        await rows(environment, "ALTER TABLE events DROP CONSTRAINT broken")
        await eventually(lambda: count(environment, "events"), until=lambda found: found == 5)
        assert await service.stop() == 0
        assert {event["commandid"] for event in await client.events()} == {one["id"] for one in commands}
    assert (await count(environment, "parked"), await count(environment, "suspects")) == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "changed", "words"),
    [
        (["serve"], {"REGISTRAR_PREFETCH": "many"}, "REGISTRAR_PREFETCH"),
        (["serve"], {"REGISTRAR_AMQP_URL": "nonsense"}, "REGISTRAR_AMQP_URL"),
        (
            ["serve"],
            {"REGISTRAR_AMQP_URL": "amqp://x:y@127.0.0.1:1/", "REGISTRAR_START_WITHIN": "0.3"},
            "RabbitMQ is not",
        ),
        (
            ["setup"],
            {"REGISTRAR_POSTGRES_SETUP_URL": "postgresql://x:y@127.0.0.1:1/x", "REGISTRAR_SETUP_WITHIN": "0.3"},
            "Postgres is not",
        ),
        (["parked", "list"], {"REGISTRAR_POSTGRES_URL": "postgresql://x:y@127.0.0.1:1/x"}, "Connect"),
    ],
)
async def test_what_a_person_can_mend_is_said_in_one_line(
    environment: dict[str, str], arguments: list[str], changed: dict[str, str], words: str
) -> None:
    code, said = await typed(environment | changed, *arguments)
    last = said.splitlines()[-1]
    assert (code, last.startswith("write-service: "), words in last, "Traceback" in said) == (1, True, True, False), (
        said
    )
