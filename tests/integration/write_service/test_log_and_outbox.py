"""Forgetting: the purge of old outcomes, and the outbox as publishing uses it."""

import asyncio
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.replies import Accepted, Rejected
from tests.integration.write_service.conftest import Owner
from tests.integration.write_service.pipelines import pipeline
from tests.support.postgres import Server
from tests.unit.write_service.orders import an_id, register, rename
from write_service.adapters.command_log import PostgresCommandLog
from write_service.adapters.database import database
from write_service.adapters.outbox import PostgresOutbox

MONTH = 30 * 24 * 3600


async def age(owner: Owner, days: int) -> None:
    await owner.execute("UPDATE command_log SET recorded_at = recorded_at - $1::interval", timedelta(days=days))


async def test_the_purge_forgets_old_rejections_in_small_steps(engine: AsyncEngine, owner: Owner) -> None:
    company, log = an_id(), PostgresCommandLog(engine)
    late = rename(an_id(), "Nobody")
    async with pipeline(engine) as replica:
        await replica.handle(*(rename(an_id(), "Nobody") for _ in range(25)))
        await age(owner, 31)
        await replica.handle(register(company, "Acme"), late)
        assert [await log.purge(MONTH, 10) for _ in range(4)] == [10, 10, 5, 0]
        assert await owner.fetchval("SELECT count(*) FROM command_log") == 2
        (reply,) = await replica.handle(late)
    assert isinstance(reply, Rejected)
    assert reply.repeated


async def test_what_was_accepted_holds_for_ever(engine: AsyncEngine, owner: Owner) -> None:
    company = an_id()
    orders = [register(company, "Acme"), rename(company, "Acme"), rename(company, "Umbrella")]
    reused = register(company, "Other", id=orders[0].id)
    async with pipeline(engine) as replica:
        first = await replica.handle(*orders)
        await age(owner, 400)
        assert await PostgresCommandLog(engine).purge(MONTH, 100) == 2  # the one without an event stays
        again = await replica.handle(*orders, reused)
    assert [(reply.version, reply.repeated) for reply in again if isinstance(reply, Accepted)] == [
        (1, True),
        (1, True),
        (2, True),
    ]
    assert [reply.version for reply in first if isinstance(reply, Accepted)] == [1, 1, 2]
    assert again[3].status == "invalid"


async def test_one_replica_purges_at_a_time_and_the_others_do_not_wait(engine: AsyncEngine, owner: Owner) -> None:
    log = PostgresCommandLog(engine)
    async with pipeline(engine) as replica:
        await replica.handle(*(rename(an_id(), "Nobody") for _ in range(30)))
    await age(owner, 31)
    async with asyncio.timeout(10):
        removed = await asyncio.gather(*(log.purge(MONTH, 100) for _ in range(4)))
    assert sum(removed) == 30


async def test_the_purge_finds_its_rows_by_index(engine: AsyncEngine, owner: Owner) -> None:
    await owner.execute("""
        INSERT INTO command_log SELECT gen_random_uuid(), gen_random_uuid(), '', 'rejected', NULL, 'c', 'm', '{}',
            now() - n * interval '1 minute' FROM generate_series(1, 5000) AS n""")
    await PostgresCommandLog(engine).purge(4990 * 60, 5)
    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        plan = await driver.fetch("""EXPLAIN SELECT id FROM command_log WHERE outcome <> 'unchanged'
            AND recorded_at < now() - interval '1 day' ORDER BY recorded_at LIMIT 100""")
    assert any("command_log_purge" in line[0] for line in plan), plan
    assert not any("Sort" in line[0] for line in plan), plan


async def test_rows_that_one_claim_holds_are_left_alone_by_the_next(engine: AsyncEngine) -> None:
    outbox = PostgresOutbox(engine)
    async with pipeline(engine) as replica:
        await replica.handle(*(register(an_id(), f"Company {number}") for number in range(10)))
        written = replica.published
    async with outbox.claim(0, 4) as first, outbox.claim(0, 100) as second:
        assert [*first.rows, *second.rows] == written
        await first.delete([row.event_id for row in first.rows])
        await second.delete([second.rows[0].event_id])
    assert (await outbox.depth()).rows == 5
    await outbox.delete([row.event_id for row in written])
    assert await outbox.depth() == (0, 0.0)


async def test_young_rows_are_not_claimed(engine: AsyncEngine, owner: Owner) -> None:
    outbox = PostgresOutbox(engine)
    async with pipeline(engine) as replica:
        await replica.handle(register(an_id(), "Acme"))
    async with outbox.claim(60, 10) as claim:
        assert claim.rows == []
    await owner.execute("UPDATE outbox SET recorded_at = recorded_at - interval '2 minutes'")
    async with outbox.claim(60, 10) as claim:
        assert list(claim.rows) == replica.published
    assert (await outbox.depth()).oldest > 119


async def test_forgetting_does_not_wait_for_the_disk_and_nothing_else_is_lax(
    server: Server, database_name: str, owner: Owner
) -> None:
    await owner.execute("""
        CREATE TABLE waited (how text);
        GRANT INSERT ON waited TO PUBLIC;
        CREATE FUNCTION waits() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO waited VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
        CREATE TRIGGER waits AFTER DELETE OR INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION waits()""")
    async with database(server.url(database_name), timeout=10, connections=1) as engine:  # one, for all of it
        for number in range(2):
            async with pipeline(engine) as replica:
                await replica.handle(register(an_id(), f"Company {number}"))
            await PostgresOutbox(engine).delete([row.event_id for row in replica.published])
    assert [row["how"] for row in await owner.fetch("SELECT how FROM waited")] == ["on", "off", "on", "off"]
    assert await owner.fetchval("SELECT count(*) FROM outbox") == 0
