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

from contracts.commands import Command
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
LOST = [*((word, 1) for word in LONE), *((word, 2) for word in STATEMENTS)]  # in which one, and of how many commands

OPEN_FOR_GOOD = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"""


@contextlib.asynccontextmanager
async def through_a_route(server: Server, database_name: str) -> AsyncIterator[tuple[AsyncEngine, Proxy]]:
    """An engine with one connection, which is used again where that is possible, and the way that it takes."""
    async with proxy_to(server.port) as proxy:
        url = server.url(database_name).replace(f":{server.port}/", f":{proxy.port}/")
        async with database(url, timeout=1, connections=1) as made:
            async with made.connect():
                pass  # SQLAlchemy begins a transaction of its own when it connects for the first time
            yield made, proxy


async def test_what_was_answered_is_committed(server: Server, database_name: str, owner: Owner) -> None:
    # All at once: each spends four seconds waiting for a route that says nothing.
    # Names without any of the words: they are in a statement, too, and that would be the one that is lost.
    orders = [
        [register(an_id(), f"Company {case} {number}") for number in range(commands + 2)]
        for case, (_, commands) in enumerate(LOST)
    ]
    async with contextlib.AsyncExitStack() as stack, asyncio.timeout(60):
        routes = [await stack.enter_async_context(through_a_route(server, database_name)) for _ in LOST]
        async with asyncio.TaskGroup() as group:
            for (word, _), (engine, route), of_its_own in zip(LOST, routes, orders, strict=True):
                group.create_task(is_accepted(engine, route, word, of_its_own))
        await eventually(lambda: owner.fetchval(OPEN_FOR_GOOD), until=lambda number: number == 0)
    found = {str(row["id"]) for row in await owner.fetch("SELECT id FROM companies")}
    assert found == {one.company_id for of_its_own in orders for one in of_its_own}


async def is_accepted(engine: AsyncEngine, route: Proxy, word: bytes, orders: list[Command]) -> None:
    """The statement with this word reaches the server when the service has given up on it, and the next two come."""
    async with pipeline(engine) as replica:
        route.word = word
        first = asyncio.create_task(replica.handle(*orders[:-2]))
        case = word, len(orders) - 2
        await eventually(lambda: (case, replica.settling.condition), until=lambda seen: "imeout" in seen[1])
        route.thaw()
        replies = [*await first, *await replica.handle(*orders[-2:])]
    answered = [(reply.status, getattr(reply, "repeated", None)) for reply in replies]
    assert answered == [("accepted", False)] * len(orders), case


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
    server: Server, database_name: str, owner: Owner
) -> None:
    async with through_a_route(server, database_name) as (engine, route):
        route.word = b"ROLLBACK;"
        rolling_back = asyncio.create_task(refused(engine))
        await eventually(lambda: route.word == b"")
        rolling_back.cancel()
        await asyncio.wait({rolling_back})
        route.thaw()
        await PostgresParking(engine).park([a_message(b"next")])  # on that connection, had it been kept
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
async def test_what_was_parked_stays_parked(server: Server, database_name: str, owner: Owner, word: bytes) -> None:
    async with through_a_route(server, database_name) as (engine, route):
        parking = PostgresParking(engine)
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
