"""Told to stop, the write service publishes whatever is left in the outbox, or says what it had to leave and why."""

import contextlib
import json
import signal
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import aio_pika
import asyncpg
import pytest
from aio_pika.abc import AbstractQueue

from contracts.topology import EVENTS, live_events
from tests.e2e.write_side import Bus, bus, changed, command, count
from tests.support.cutting import cutting_proxy
from tests.support.eventually import eventually
from tests.support.processes import Process, process, ready
from tests.support.proxy import proxy_to

pytestmark = pytest.mark.e2e

NUMBER = 20

# What is rolled back counts too in a sequence: the first deletion fails, the second does not.
FIRST_DELETION_FAILS = """
    CREATE SEQUENCE deletions;
    CREATE FUNCTION failing() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
        IF nextval('deletions') = 1 THEN RAISE 'not now' USING ERRCODE = '53200'; END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER failing BEFORE DELETE ON outbox FOR EACH STATEMENT EXECUTE FUNCTION failing()"""

DELETIONS_TAKE_A_SECOND = """
    CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1); RETURN NULL; END $$;
    CREATE TRIGGER slow BEFORE DELETE ON outbox FOR EACH STATEMENT EXECUTE FUNCTION slow()"""

LEFT = """
    INSERT INTO outbox (event_id, type, body, recorded_at)
    SELECT gen_random_uuid(), 'company.closed.v1', '{"commandid": "of a crash"}', now() - interval '1 minute'"""

# Attempts are refused, and most of the time of each goes into taking it back.
REFUSED_SLOWLY = """
    ALTER TABLE events ADD CONSTRAINT broken CHECK (false) NOT VALID;
    CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.1); RETURN OLD; END $$;
    CREATE TRIGGER slow BEFORE DELETE ON suspects FOR EACH ROW EXECUTE FUNCTION slow()"""


@contextlib.asynccontextmanager
async def refusing_queue(environment: Mapping[str, str]) -> AsyncIterator[AbstractQueue]:
    """A queue that has no room for any event: the broker refuses what it cannot put into every queue."""
    async with await aio_pika.connect(environment["REGISTRAR_AMQP_URL"]) as connection:
        channel = await connection.channel()
        full: dict[str, Any] = {"x-max-length": 0, "x-overflow": "reject-publish"}
        queue = await channel.declare_queue(exclusive=True, arguments=full)
        await queue.bind(EVENTS, "#")
        yield queue


async def sent(client: Bus) -> set[str]:
    """The ids of new commands that wait for the service."""
    commands = [command() for _ in range(NUMBER)]
    for one in commands:
        await client.send(one)
    return {one["id"] for one in commands}


async def committed(environment: Mapping[str, str], number: int) -> None:
    """Wait for so many events."""
    await eventually(lambda: count(environment, "events"), until=lambda found: found == number)


def told(service: Process, event: str) -> list[dict[str, Any]]:
    """What its log tells of this."""
    whole = (line for line in service.log.read_text().splitlines() if line.startswith("{") and line.endswith("}"))
    return [line for line in map(json.loads, whole) if line["event"] == event]


async def told_to_stop(service: Process) -> None:
    """It knows."""
    service.send(signal.SIGTERM)
    await eventually(lambda: told(service, "stopping"))


async def ended_with_nothing_left(
    service: Process, environment: Mapping[str, str], client: Bus, commands: set[str]
) -> None:
    """It ends well, the outbox is empty, and every event is on the bus."""
    assert await service.end(within=15) == 0, service.last_words()
    assert await count(environment, "outbox") == 0, service.last_words()
    assert {event["commandid"] for event in await client.events()} == commands
    assert told(service, "events_left") == []
    assert sum(line["events"] for line in told(service, "published_at_the_end")) == len(commands)


async def test_connections_lost_while_it_stops(environment: dict[str, str]) -> None:
    port = urlsplit(environment["REGISTRAR_AMQP_URL"]).port or 0
    async with proxy_to(port) as proxy, bus(environment) as client:
        there = environment["REGISTRAR_AMQP_URL"].replace(f":{port}/", f":{proxy.port}/")
        settings = environment | {"REGISTRAR_AMQP_URL": there, "REGISTRAR_CONFIRM_TIMEOUT": "2"}
        async with ready("write-service", environment=settings) as service:
            holder = await asyncpg.connect(environment["REGISTRAR_POSTGRES_SETUP_URL"])
            async with holder.transaction():
                await holder.execute("LOCK TABLE companies IN ACCESS EXCLUSIVE MODE")
                commands = await sent(client)
                await eventually(client.messages, until=lambda waiting: waiting == 0)
                await told_to_stop(service)
                proxy.refuse()
                proxy.cut()
            await holder.close()
            await committed(environment, NUMBER)
            await eventually(lambda: told(service, "events_unconfirmed"))
            proxy.refuse(refusing=False)
            await ended_with_nothing_left(service, environment, client, commands)


async def test_events_that_the_broker_refuses_until_there_is_room(environment: dict[str, str]) -> None:
    async with (
        bus(environment) as client,
        refusing_queue(environment) as full,
        ready("write-service", environment=environment) as service,
    ):
        commands = await sent(client)
        await eventually(lambda: told(service, "events_unconfirmed"))
        commands |= await sent(client)  # of which the relay publishes none
        await committed(environment, 2 * NUMBER)
        await told_to_stop(service)
        refused = len(told(service, "events_unconfirmed"))
        await eventually(lambda: len(told(service, "events_unconfirmed")) > refused + 1)
        await full.delete()
        await ended_with_nothing_left(service, environment, client, commands)


async def test_a_deletion_that_fails_once(environment: dict[str, str]) -> None:
    await changed(environment, FIRST_DELETION_FAILS)
    async with bus(environment) as client, ready("write-service", environment=environment) as service:
        one = command()
        await client.send(one)
        await eventually(lambda: told(service, "published_rows_stay"))
        await told_to_stop(service)
        await ended_with_nothing_left(service, environment, client, {one["id"]})


# A lone company's commands are committed by the statement that writes them, and nothing else names an event's type.
@pytest.mark.parametrize(("word", "number"), [(b"company.registered.v1", 1), (b"COMMIT;", 2)])
async def test_a_commit_of_which_it_never_heard(environment: dict[str, str], word: bytes, number: int) -> None:
    port = urlsplit(environment["REGISTRAR_POSTGRES_URL"]).port or 0
    async with cutting_proxy(port) as (cutting, through), bus(environment) as client:
        there = environment["REGISTRAR_POSTGRES_URL"].replace(f":{port}/", f":{through}/")
        async with ready("write-service", environment=environment | {"REGISTRAR_POSTGRES_URL": there}) as service:
            cutting.word, cutting.times = word, 1
            commands = [command() for _ in range(number)]
            assert [reply["status"] for reply in await client.ask(commands)] == ["accepted"] * number
            assert cutting.times == 0
            assert await count(environment, "outbox") == number
            await told_to_stop(service)
            await ended_with_nothing_left(service, environment, client, {one["id"] for one in commands})


async def test_a_sweep_that_is_under_way_comes_to_its_end(environment: dict[str, str]) -> None:
    await changed(environment, DELETIONS_TAKE_A_SECOND)
    await changed(environment, LEFT)
    async with bus(environment) as client, ready("write-service", environment=environment) as service:
        published = await eventually(client.events)
        assert await service.stop() == 0
        assert await count(environment, "outbox") == 0
        assert published == [{"commandid": "of a crash"}]
        assert await client.events() == []


async def test_events_that_no_queue_takes_are_left_at_once(environment: dict[str, str]) -> None:
    async with await aio_pika.connect(environment["REGISTRAR_AMQP_URL"]) as connection, bus(environment) as client:
        queue = await (await connection.channel()).get_queue(live_events(1).name, ensure=False)
        await queue.unbind(EVENTS, "#")
        async with ready("write-service", environment=environment) as service:
            await sent(client)
            await committed(environment, NUMBER)
            began = time.monotonic()
            assert await service.stop() == 0
            assert time.monotonic() - began < 5
            (line,) = told(service, "events_left")
    assert (line["events"], line["reason"]) == (NUMBER, "no queue takes them")
    assert await count(environment, "outbox") == NUMBER


async def test_events_that_nobody_confirms_are_left_in_time_and_published_by_the_next(
    environment: dict[str, str],
) -> None:
    settings = environment | {"REGISTRAR_STOP_WITHIN": "2", "REGISTRAR_SWEEP_GRACE": "0.2"}
    async with bus(environment) as client:
        async with refusing_queue(environment), ready("write-service", environment=settings) as service:
            commands = await sent(client)
            await committed(environment, NUMBER)
            assert await service.stop(within=5) == 0
            (line,) = told(service, "events_left")
        assert (line["events"], line["reason"]) == (NUMBER, "the broker does not confirm them")
        async with ready("write-service", environment=settings) as service:
            await eventually(lambda: count(environment, "outbox"), until=lambda found: found == 0)
            assert await service.stop() == 0
        assert {event["commandid"] for event in await client.events()} == commands


async def test_a_second_signal_ends_the_last_pass_too(environment: dict[str, str]) -> None:
    async with (
        bus(environment) as client,
        refusing_queue(environment),
        ready("write-service", environment=environment) as service,
    ):
        await sent(client)
        await eventually(lambda: told(service, "events_unconfirmed"))
        await committed(environment, NUMBER)
        await told_to_stop(service)
        refused = len(told(service, "events_unconfirmed"))
        await eventually(lambda: len(told(service, "events_unconfirmed")) > refused + 1)
        service.send(signal.SIGTERM)
        assert await service.end(within=3) == 1
        assert told(service, "ended_by_a_second_signal")
    assert await count(environment, "outbox") == NUMBER


async def test_ended_while_an_attempt_is_taken_back_it_accuses_nobody(environment: dict[str, str]) -> None:
    await changed(environment, REFUSED_SLOWLY)
    settings = environment | {"REGISTRAR_STOP_WITHIN": "0.3"}
    async with bus(environment) as client, process("write-service", "serve", environment=settings) as service:
        for _ in range(2):
            await client.send(command())
        await eventually(lambda: told(service, "database_away"))
        assert await service.stop() == 1
        await service.start()
        await eventually(lambda: told(service, "suspects"))  # they come again
        away = len(told(service, "database_away"))
        await eventually(lambda: len(told(service, "database_away")) > away)
        assert await service.stop() == 1
        await eventually(client.messages, until=lambda found: found == 2)
    assert await count(environment, "suspects") == 0
