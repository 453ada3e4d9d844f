"""The books after a fault: every confirmed command has one outcome, every event was published, nothing is left over."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
from aio_pika.abc import AbstractIncomingMessage
from pydantic_core import from_json

from contracts.commands import Command
from contracts.replies import Reply
from contracts.topology import WRITE_COMMANDS, live_events
from tests.faults.system import System, checks, metric
from tests.support.eventually import eventually
from tests.support.processes import Process

LEDGERS = {
    "events without an accepted command": """
        SELECT count(*) FROM events e WHERE NOT EXISTS (
            SELECT FROM command_log c
            WHERE c.id = e.command_id AND c.outcome = 'accepted' AND c.version = e.version)""",
    "accepted commands without their event": """
        SELECT count(*) FROM command_log c WHERE outcome = 'accepted' AND NOT EXISTS (
            SELECT FROM events e WHERE e.command_id = c.id)""",
    "companies whose versions have gaps": """
        SELECT count(*) FROM (SELECT company_id, count(*) AS number, min(version) AS first, max(version) AS last
                              FROM events GROUP BY company_id) e
        FULL JOIN companies ON id = company_id
        WHERE first IS DISTINCT FROM 1 OR last IS DISTINCT FROM number OR last IS DISTINCT FROM version""",
    "companies whose users do not count up": """
        SELECT count(*) FROM companies c
        WHERE (user_count, owner_count) IS DISTINCT FROM (
            SELECT (count(*)::int, (count(*) FILTER (WHERE role = 'owner'))::int)
            FROM users WHERE company_id = c.id)""",
    "parked": "SELECT count(*) FROM parked",
    "suspects": "SELECT count(*) FROM suspects",
}


async def balanced(
    system: System, confirmed: Sequence[Command], replicas: Sequence[Process], replies: Sequence[Reply] = ()
) -> None:
    """All is well again, without a restart: the promises hold for every command that was confirmed."""
    async with system.owner() as database:
        ids = [command.id for command in confirmed]

        async def commands_without_an_outcome() -> int:
            found = await database.fetchval("SELECT count(*) FROM command_log WHERE id = ANY($1::uuid[])", ids)
            return len(set(ids)) - int(found)

        async def rows_of_the_outbox() -> int:
            return int(await database.fetchval("SELECT count(*) FROM outbox"))

        await eventually(commands_without_an_outcome, until=lambda left: left == 0, within=30, every=0.1)
        await eventually(rows_of_the_outbox, until=lambda left: left == 0, within=30, every=0.1)
        faults = {name: await database.fetchval(question) for name, question in LEDGERS.items()}
        assert faults == dict.fromkeys(LEDGERS, 0)
        told = {reply.command_id: getattr(reply, "version", None) for reply in replies}
        rows = await database.fetch("SELECT id, version FROM command_log WHERE id = ANY($1::uuid[])", [*told])
        assert {str(row[0]): row[1] for row in rows} == told
        await _all_published(system, database)
    await _at_rest(system, replicas)


async def _all_published(system: System, database: Any) -> None:
    events = {str(row[0]): row[1] for row in await database.fetch("SELECT event_id, version FROM events")}
    news = {
        str(row[0]): row[1]
        for row in await database.fetch("SELECT id, outcome FROM command_log WHERE outcome <> 'accepted'")
    }
    async with heard(system.amqp_url) as messages:
        seen: dict[str, dict[str, Any]] = {}

        def what_was_not_published() -> int:
            while messages:
                seen.update((event["id"], event) for event in from_json(messages.pop().body))
            told = {event["commandid"] for event in seen.values() if "version" not in event}
            return len(events.keys() - seen.keys()) + len(news.keys() - told)

        await eventually(what_was_not_published, until=lambda missing: missing == 0, within=30)
    assert {id_: event["version"] for id_, event in seen.items() if "version" in event} == events
    assert {event["commandid"] for event in seen.values() if "version" not in event} == set(news)


@asynccontextmanager
async def heard(amqp_url: str) -> AsyncIterator[list[AbstractIncomingMessage]]:
    """What rests in the queue of the first readers, as it comes in."""
    messages: list[AbstractIncomingMessage] = []

    async def hear(message: AbstractIncomingMessage) -> None:
        messages.append(message)

    async with await aio_pika.connect(amqp_url, timeout=10) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue(live_events(1).name, ensure=False)
        await queue.consume(hear, no_ack=True)
        yield messages


async def _at_rest(system: System, replicas: Sequence[Process]) -> None:
    for replica in replicas:
        await well(replica)
    async with await aio_pika.connect(system.amqp_url, timeout=10) as connection:
        channel = await connection.channel()

        async def commands_that_wait() -> int:
            declared = await channel.declare_queue(WRITE_COMMANDS.name, passive=True)
            return declared.declaration_result.message_count or 0

        await eventually(commands_that_wait, until=lambda number: number == 0, within=20, every=0.1)


async def well(replica: Process) -> None:
    """The replica is ready again by itself, and has nothing in hand."""

    async def what_is_wrong() -> dict[str, str]:
        return await checks(replica)

    async def in_flight() -> float:
        return await metric(replica, "registrar_write_in_flight")

    await eventually(what_is_wrong, until=lambda wrong: not wrong, within=15, every=0.1)
    await eventually(in_flight, until=lambda number: number == 0, within=15, every=0.1)
    assert replica.ended is None
