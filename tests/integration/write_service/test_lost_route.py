"""A route to Postgres that is lost without a word, and comes back: what was said meanwhile arrives late."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.integration.write_service.conftest import Owner
from tests.integration.write_service.pipelines import one_transaction, pipeline
from tests.support.eventually import eventually
from tests.support.postgres import Server
from tests.support.proxy import Proxy, proxy_to
from tests.unit.write_service.orders import an_id, register
from write_service.adapters.database import database
from write_service.adapters.parked import PostgresParking
from write_service.adapters.transaction import PostgresTransactions
from write_service.service_layer.batch import Batch
from write_service.service_layer.parking import UNREADABLE, ToPark
from write_service.service_layer.ports import Refused
from write_service.service_layer.wanted import wanted_by

# The statements of a transaction, by what is in them: on a new connection they are prepared by their text. A lone
# company's commands take two of them.
LONE = [b"clock_timestamp", b"unpublished"]
STATEMENTS = [b"BEGIN", *LONE, b"COMMIT;"]

OPEN_FOR_GOOD = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"""


@pytest_asyncio.fixture
async def route(server: Server) -> AsyncIterator[Proxy]:
    async with proxy_to(server.port) as proxy:
        yield proxy


@pytest_asyncio.fixture
async def beyond(server: Server, database_name: str, route: Proxy) -> AsyncIterator[AsyncEngine]:
    """An engine with one connection, which is used again where that is possible."""
    url = server.url(database_name).replace(f":{server.port}/", f":{route.port}/")
    async with database(url, timeout=1, connections=1) as made:
        async with made.connect():
            pass  # SQLAlchemy begins a transaction of its own when it connects for the first time
        yield made


@pytest.mark.parametrize(
    ("word", "commands"),
    [*((word, 1) for word in LONE), *((word, 2) for word in STATEMENTS)],
    ids=lambda one: one.decode() if isinstance(one, bytes) else str(one),
)
async def test_what_was_answered_is_committed(
    beyond: AsyncEngine, route: Proxy, owner: Owner, word: bytes, commands: int
) -> None:
    ids = [an_id() for _ in range(commands + 2)]
    orders = [register(company_id, f"Company {number}") for number, company_id in enumerate(ids)]
    async with pipeline(beyond) as replica:
        route.word = word
        first = asyncio.create_task(replica.handle(*orders[:-2]))
        await eventually(lambda: replica.settling.condition, until=lambda said: "imeout" in said)
        route.thaw()
        replies = [*await first, *await replica.handle(*orders[-2:])]
    assert [(reply.status, getattr(reply, "repeated", None)) for reply in replies] == [("accepted", False)] * len(ids)
    found = await owner.fetch("SELECT id FROM companies WHERE id = ANY($1::uuid[])", ids)
    assert {str(row["id"]) for row in found} == set(ids)
    await eventually(lambda: owner.fetchval(OPEN_FOR_GOOD), until=lambda number: number == 0)


@pytest_asyncio.fixture
async def admin(server: Server) -> AsyncIterator[Owner]:
    """Who may end the sessions of others."""
    connection = await asyncpg.connect(server.url("postgres", "postgres"))
    yield connection
    await connection.close()


async def end(admin: Owner, driver: Any) -> None:
    """End the session of this connection, and wait until the driver knows."""
    assert await admin.fetchval("SELECT pg_terminate_backend($1)", driver.get_server_pid())
    await eventually(driver.is_closed)


async def written_and_ended(engine: AsyncEngine, admin: Owner, ended: list[bool]) -> None:
    command = register(an_id(), "Acme")
    async with one_transaction(engine) as transaction:
        batch = Batch(await transaction.load(wanted_by([command])))
        await batch.handle([command])
        await transaction.write(batch.changes())
        await end(admin, transaction._driver)
        ended.append(True)


async def test_a_session_that_was_ended_before_the_commit_has_not_committed(
    engine: AsyncEngine, owner: Owner, admin: Owner
) -> None:
    ended: list[bool] = []
    with pytest.raises(asyncpg.InterfaceError, match="closed"):
        await written_and_ended(engine, admin, ended)
    assert ended
    assert await owner.fetchval("SELECT count(*) FROM command_log") == 0


async def refused(engine: AsyncEngine) -> None:
    async with one_transaction(engine) as transaction:
        await transaction.load(wanted_by([register(an_id(), "Acme")]))
        raise Refused("for a reason of its own")


async def test_who_is_broken_off_while_it_rolls_back_keeps_nothing_open(
    beyond: AsyncEngine, route: Proxy, owner: Owner
) -> None:
    route.word = b"ROLLBACK;"
    rolling_back = asyncio.create_task(refused(beyond))
    await eventually(lambda: route.word == b"")
    rolling_back.cancel()
    await asyncio.wait({rolling_back})
    route.thaw()
    await PostgresParking(beyond).park([a_message(b"next")])  # on that connection, had it been kept
    assert await owner.fetchval("SELECT count(*) FROM parked") == 1
    await eventually(lambda: owner.fetchval(OPEN_FOR_GOOD), until=lambda number: number == 0)


async def failed_and_ignored(engine: AsyncEngine) -> None:
    async with one_transaction(engine) as transaction:
        await transaction.load(wanted_by([register(an_id(), "Acme")]))
        with contextlib.suppress(asyncpg.PostgresError):
            await transaction._driver.execute("SELECT 1 / 0")


async def test_a_transaction_with_a_failed_statement_is_not_taken_for_committed(engine: AsyncEngine) -> None:
    with pytest.raises(RuntimeError, match="not committed: ROLLBACK"):
        await failed_and_ignored(engine)


@pytest.mark.parametrize("word", [b"BEGIN", b"COMMIT;"], ids=bytes.decode)
async def test_what_was_parked_stays_parked(beyond: AsyncEngine, route: Proxy, owner: Owner, word: bytes) -> None:
    parking = PostgresParking(beyond)
    route.word = word
    with pytest.raises(TimeoutError):
        await parking.park([a_message(b"first")])
    route.thaw()
    await parking.park([a_message(b"first"), a_message(b"second")])
    assert await owner.fetchval("SELECT count(*) FROM parked") == 2
    await eventually(lambda: owner.fetchval(OPEN_FOR_GOOD), until=lambda number: number == 0)


def a_message(body: bytes) -> ToPark:
    return ToPark(kind=UNREADABLE, reason="no JSON", body=body, exchange="", routing_key="", message_id=body.decode())


async def test_a_connection_is_kept_while_it_stands(engine: AsyncEngine, admin: Owner) -> None:
    async with aclosing(PostgresTransactions(engine)) as transactions:
        drivers = []
        for number in range(3):
            async with transactions.begin() as transaction:
                await transaction.load(wanted_by([register(an_id(), "Acme")]))
            drivers.append(transaction._driver)
            if number == 1:
                await end(admin, drivers[1])
        assert drivers[0] is drivers[1] is not drivers[2]
        with pytest.raises(Refused):
            async with transactions.begin() as transaction:
                raise Refused("for a reason of its own")
        pool: Any = engine.pool
        assert pool.checkedout() == 0
        async with transactions.begin():
            assert pool.checkedout() == 1
    assert pool.checkedout() == 0


async def test_of_two_at_once_one_connection_is_kept(engine: AsyncEngine) -> None:
    pool: Any = engine.pool
    async with aclosing(PostgresTransactions(engine)) as transactions:
        async with transactions.begin(), transactions.begin():
            assert pool.checkedout() == 2
        assert pool.checkedout() == 1
