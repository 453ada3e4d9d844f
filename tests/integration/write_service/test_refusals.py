"""What the database refuses for its data is the culprit's alone; whatever else fails accuses nobody."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.replies import Accepted, Reply
from tests.integration.write_service.conftest import Owner
from tests.integration.write_service.pipelines import Pipeline, pipeline
from tests.support.cutting import Cutting, cutting_proxy
from tests.support.postgres import SERVICE, Server
from tests.unit.write_service.orders import an_id, register, rename
from write_service.adapters.database import database
from write_service.service_layer.outcomes import RefusedByDatabase
from write_service.service_layer.settling import OK


async def refuse(owner: Owner, condition: str, sqlstate: str, table: str = "companies") -> None:
    """From now on a trigger refuses rows of this kind."""
    await owner.execute(f"""
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF {condition} THEN RAISE EXCEPTION 'not this one' USING ERRCODE = '{sqlstate}'; END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()""")


async def until_away(replica: Pipeline) -> str:
    async with asyncio.timeout(20):
        while replica.settling.condition == OK:  # noqa: ASYNC110 - a word that nobody announces
            await asyncio.sleep(0.02)
    return replica.settling.condition


@asynccontextmanager
async def behind_a_cut(server: Server, database_name: str) -> AsyncIterator[tuple[Cutting, Pipeline]]:
    """A replica whose connections can be cut, at a word."""
    async with cutting_proxy(server.port) as (cutting, port):
        url = server.url(database_name).replace(f":{server.port}/", f":{port}/")
        async with database(url, timeout=10, connections=2) as through_proxy, pipeline(through_proxy) as replica:
            yield cutting, replica


def statuses(replies: list[Reply]) -> list[str]:
    return [reply.status for reply in replies]


@pytest.mark.parametrize("sqlstate", ["P0001", "22003", "23514"])
async def test_a_row_that_a_trigger_refuses_is_parked_alone(engine: AsyncEngine, owner: Owner, sqlstate: str) -> None:
    await refuse(owner, "NEW.name = 'Guilty'", sqlstate)
    orders = [register(an_id(), f"Company {number}") for number in range(40)]
    orders[23] = register(an_id(), "Guilty")
    async with pipeline(engine) as replica:
        replies = await replica.handle(*orders)
        assert replies[23] == RefusedByDatabase(orders[23].id, f"{sqlstate} not this one")
        assert statuses(replies).count("accepted") == 39
        assert await owner.fetchval("SELECT count(*) FROM companies") == 39
        assert await owner.fetchval("SELECT count(*) FROM events") == 39
        assert await replica.handle(register(an_id(), "Guilty")) != []
        assert statuses(await replica.handle(register(an_id(), "Guilty"))) == ["parked"]


async def test_a_row_that_silently_stays_out_is_noticed(engine: AsyncEngine, owner: Owner) -> None:
    await owner.execute("""
        CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN IF NEW.data ->> 'name' = 'Guilty' THEN RETURN NULL; END IF; RETURN NEW; END $$;
        CREATE TRIGGER skip BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION skip()""")
    async with pipeline(engine) as replica:
        replies = await replica.handle(register(an_id(), "Innocent"), register(an_id(), "Guilty"))
    assert statuses(replies) == ["accepted", "parked"]
    assert await owner.fetchval("SELECT array_agg(name) FROM companies") == ["Innocent"]


async def test_a_revoked_right_accuses_nobody(engine: AsyncEngine, owner: Owner) -> None:
    await owner.execute(f"REVOKE INSERT ON events FROM {SERVICE}")
    async with pipeline(engine) as replica:
        waiting = asyncio.create_task(replica.handle(*(register(an_id(), f"Company {n}") for n in range(20))))
        assert "permission denied" in await until_away(replica)
        assert not waiting.done()
        await owner.execute(f"GRANT INSERT ON events TO {SERVICE}")
        assert statuses(await waiting) == ["accepted"] * 20
        assert replica.settling.condition == OK


async def test_a_full_disk_accuses_nobody(engine: AsyncEngine, owner: Owner) -> None:
    await refuse(owner, "true", "53100", "events")
    async with pipeline(engine) as replica:
        waiting = asyncio.create_task(replica.handle(register(an_id(), "Acme")))
        await until_away(replica)
        await owner.execute("DROP TRIGGER refuse ON events")
        assert statuses(await waiting) == ["accepted"]


async def test_a_table_that_refuses_everything_accuses_nobody(engine: AsyncEngine, owner: Owner) -> None:
    await refuse(owner, "true", "23514", "outbox")
    async with pipeline(engine) as replica:
        waiting = asyncio.create_task(replica.handle(register(an_id(), "Acme"), register(an_id(), "Umbrella")))
        await until_away(replica)
        await owner.execute("DROP TRIGGER refuse ON outbox")
        assert statuses(await waiting) == ["accepted"] * 2


async def test_a_failover_to_a_read_only_server_accuses_nobody(
    engine: AsyncEngine, server: Server, database_name: str
) -> None:
    company = an_id()
    async with pipeline(engine) as replica:
        await replica.handle(register(company, "Acme"))
        admin = await asyncpg.connect(server.url("postgres", "postgres"))
        await admin.execute(f"ALTER DATABASE {database_name} SET default_transaction_read_only = on")
        await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", database_name)
        waiting = asyncio.create_task(replica.handle(rename(company, "Umbrella")))
        await until_away(replica)
        await admin.execute(f"ALTER DATABASE {database_name} RESET default_transaction_read_only")
        await admin.close()
        assert statuses(await waiting) == ["accepted"]


async def test_a_commit_whose_answer_is_lost_is_not_done_twice(
    server: Server, database_name: str, owner: Owner
) -> None:
    company = an_id()
    async with behind_a_cut(server, database_name) as (cutting, replica):
        await replica.handle(register(company, "Acme"))
        cutting.word, cutting.times = b"COMMIT;", 3
        orders = [rename(company, "Umbrella"), register(company, "Acme"), register(an_id(), "Other")]
        replies = await replica.handle(*orders)
    assert cutting.times == 0
    assert [(getattr(reply, "code", reply.status), getattr(reply, "repeated", None)) for reply in replies] == [
        ("accepted", False),
        ("company_already_exists", False),
        ("accepted", False),
    ]
    assert await owner.fetchval("SELECT count(*) FROM events") == 3


async def test_a_lone_write_whose_answer_is_lost_is_not_done_twice(
    server: Server, database_name: str, owner: Owner
) -> None:
    company = an_id()
    async with behind_a_cut(server, database_name) as (cutting, replica):
        await replica.handle(register(company, "Acme"))
        cutting.word, cutting.times = b"company.renamed.v1", 3
        replies = await replica.handle(rename(company, "Umbrella"), register(company, "Acme"))
    assert cutting.times == 2  # once is enough
    assert [(getattr(reply, "code", reply.status), getattr(reply, "repeated", None)) for reply in replies] == [
        ("accepted", False),
        ("company_already_exists", False),
    ]
    assert await owner.fetchval("SELECT count(*) FROM events") == 2


async def test_a_restarted_server_loses_and_doubles_nothing(server: Server, database_name: str) -> None:
    company = an_id()
    async with database(server.url(database_name), timeout=10, connections=2) as engine, pipeline(engine) as replica:
        await replica.handle(register(company, "Acme", seat_limit=1000))
        orders = [rename(company, f"Name {number}") for number in range(60)]

        async def send() -> list[Reply]:
            return [reply for order in orders for reply in await replica.handle(order)]

        sending = asyncio.create_task(send())
        await asyncio.to_thread(server.control, "restart", "-m", "immediate")
        replies = await sending
        assert [reply.version for reply in replies if isinstance(reply, Accepted)] == list(range(2, 62))
        assert not any(reply.repeated for reply in replies if isinstance(reply, Accepted))
