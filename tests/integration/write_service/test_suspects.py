"""The journal of suspects on a real Postgres: a row without a lock is a death, a row with one is an attempt."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.replies import Accepted
from tests.integration.write_service.conftest import Owner
from tests.integration.write_service.pipelines import pipeline
from tests.support.cutting import cutting_proxy
from tests.support.eventually import eventually
from tests.support.postgres import Server
from tests.unit.write_service.orders import an_id, register
from write_service.adapters.database import database
from write_service.adapters.suspects import PostgresJournal
from write_service.adapters.transaction import PostgresTransactions
from write_service.service_layer.journal import Watch
from write_service.service_layer.knowing import reply_of
from write_service.service_layer.outbox import Unpublished
from write_service.service_layer.settling import OK, Settling

ROWS = "SELECT count(*) FROM suspects"


async def died(owner: Owner, *ids: str) -> None:
    """What a process leaves that dies in its attempt at these commands."""
    await owner.execute(
        "INSERT INTO suspects AS known SELECT unnest($1::uuid[]), 1"
        " ON CONFLICT (command_id) DO UPDATE SET deaths = known.deaths + 1",
        ids,
    )


async def test_while_it_is_attempted_it_is_written_down_and_afterwards_forgotten(
    engine: AsyncEngine, owner: Owner
) -> None:
    journal, ids = PostgresJournal(engine), [an_id(), an_id()]
    await died(owner, ids[0])
    async with journal.attempt([*ids, ids[0]]):
        found = await owner.fetch("SELECT command_id::text, deaths FROM suspects")
        assert dict(map(tuple, found)) == {ids[0]: 2, ids[1]: 1}
    assert await journal.deaths(ids) == {}


@pytest.mark.parametrize("failure", [OSError("away"), asyncio.CancelledError()])
async def test_an_attempt_that_fails_in_a_process_that_lives_is_no_death(
    engine: AsyncEngine, owner: Owner, failure: BaseException
) -> None:
    journal, ids = PostgresJournal(engine), [an_id(), an_id()]
    await died(owner, ids[0])
    with pytest.raises(type(failure)):
        async with journal.attempt(ids):
            raise failure
    assert await journal.deaths(ids) == {ids[0]: 1}
    await journal.forget(ids[0])
    assert await journal.deaths(ids) == {}


async def test_what_could_not_be_taken_back_is_taken_back_before_the_next_attempt(
    server: Server, database_name: str, owner: Owner
) -> None:
    async with cutting_proxy(server.port) as (cutting, port):
        url = server.url(database_name).replace(f":{server.port}/", f":{port}/")
        async with database(url, timeout=10, connections=2) as engine:
            journal, ids = PostgresJournal(engine), [an_id(), an_id()]
            await died(owner, ids[0])
            cutting.word = b"UPDATE suspects"
            cutting.times = 1
            with pytest.raises(OSError, match="away"):
                async with journal.attempt(ids):
                    raise OSError("away")
            assert await owner.fetchval("SELECT sum(deaths) FROM suspects") == 3
            async with journal.attempt(ids):
                assert await owner.fetchval("SELECT sum(deaths) FROM suspects") == 3
            assert await owner.fetchval(ROWS) == 0


async def test_the_end_of_an_attempt_that_cannot_be_written_down_changes_nothing_of_its_outcome(
    server: Server, database_name: str, owner: Owner
) -> None:
    async with cutting_proxy(server.port) as (cutting, port):
        url = server.url(database_name).replace(f":{server.port}/", f":{port}/")
        async with database(url, timeout=10, connections=2) as engine:
            journal, command_id = PostgresJournal(engine), an_id()
            async with journal.attempt([command_id]):
                cutting.word, cutting.times = b"", 1
            assert (cutting.times, await owner.fetchval(ROWS)) == (0, 1)
            await journal.settle()
            assert await owner.fetchval(ROWS) == 0


async def test_an_attempt_elsewhere_is_waited_for_and_not_taken_for_a_death(engine: AsyncEngine, owner: Owner) -> None:
    one, other, command_id = PostgresJournal(engine), PostgresJournal(engine), an_id()
    async with one.attempt([command_id]):
        asking = asyncio.create_task(other.deaths([command_id]))
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        await eventually(lambda: owner.fetchval(waiting), until=lambda found: found == 1)
        assert not asking.done()
    assert await asking == {}


@pytest_asyncio.fixture
async def transactions(engine: AsyncEngine) -> AsyncIterator[PostgresTransactions]:
    async with aclosing(PostgresTransactions(engine)) as made:
        yield made


async def test_a_command_that_waits_for_the_database_is_not_accused(
    engine: AsyncEngine, transactions: PostgresTransactions, owner: Owner
) -> None:
    await owner.execute(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE 'not now' USING ERRCODE = '53100'; END $$;"
        "CREATE TRIGGER no BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION no()"
    )
    watch, published = Watch(PostgresJournal(engine)), list[Unpublished]()
    settling = Settling(transactions, published.extend, shortest_pause=30, watched=watch.attempt)
    with watch.on():
        waiting = asyncio.create_task(settling.settle([register(an_id(), "Acme")]))
        await eventually(lambda: settling.condition != OK)
        assert await owner.fetchval(ROWS) == 0
    waiting.cancel()


async def test_a_command_that_was_committed_is_known_and_no_other_is(
    engine: AsyncEngine, transactions: PostgresTransactions
) -> None:
    command = register(an_id(), "Acme")
    assert await reply_of(transactions, command) is None
    async with pipeline(engine) as replica:
        (told,) = await replica.handle(command)
    assert isinstance(told, Accepted)
    assert await reply_of(transactions, command) == Accepted(command.id, command.subject, 1, told.token, repeated=True)
    other = register(an_id(), "Other").model_copy(update={"id": command.id})
    reply = await reply_of(transactions, other)
    assert reply is not None
    assert reply.status == "invalid"
