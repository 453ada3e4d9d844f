"""A lone company's commands without locks: what changed between the look and the write is noticed by the write."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from datetime import timedelta

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.commands import Command
from contracts.replies import Accepted, Reply
from tests.integration.write_service.conftest import Owner
from tests.integration.write_service.pipelines import one_transaction, pipeline
from tests.support.eventually import eventually
from tests.support.postgres import Server
from tests.unit.write_service.orders import add_user, an_id, close, order, register, rename
from write_service.adapters import writing
from write_service.adapters.database import database
from write_service.adapters.event_log import PostgresEventLog
from write_service.adapters.transaction import PostgresTransactions
from write_service.service_layer.batch import Batch
from write_service.service_layer.optimism import Optimism
from write_service.service_layer.ports import Refused
from write_service.service_layer.settling import NAMES
from write_service.service_layer.wanted import wanted_by

EVERYTHING = """
    SELECT (SELECT count(*) FROM companies), (SELECT count(*) FROM users), (SELECT count(*) FROM command_log),
           (SELECT count(*) FROM events), (SELECT count(*) FROM outbox)"""
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


async def everything(owner: Owner) -> tuple[int, ...]:
    """How many rows there are: of companies, users, outcomes, events, and the outbox."""
    found = await owner.fetchrow(EVERYTHING)
    assert found
    return tuple(found)


@pytest_asyncio.fixture
async def transactions(engine: AsyncEngine) -> AsyncIterator[PostgresTransactions]:
    async with aclosing(PostgresTransactions(engine)) as made:
        yield made


async def raced(transactions: PostgresTransactions, command: Command, *others: Command) -> Reply:
    """The reply to a command, on what was read before the others were committed."""
    async with transactions.optimistic() as look:
        batch = Batch(await look.load(wanted_by([command])))
        async with pipeline(transactions._engine) as another:
            for one in others:
                await another.handle(one)
        (reply,) = await batch.handle([command])
        await look.write(batch.changes())
    return reply


async def test_what_is_written_at_once_is_committed_and_can_be_read(
    transactions: PostgresTransactions, owner: Owner
) -> None:
    company = an_id()
    assert (await raced(transactions, register(company, "Acme"))).status == "accepted"
    assert (await raced(transactions, add_user(company, an_id(), "a@acme.example"))).status == "accepted"
    assert await everything(owner) == (1, 1, 2, 2, 2)


async def test_who_asked_for_changes_between_the_look_and_the_write_hears_of_it_the_next_time(
    transactions: PostgresTransactions, engine: AsyncEngine
) -> None:
    log, company = PostgresEventLog(engine), an_id()
    for command in (register(company, "Acme"), rename(company, "Umbrella")):
        async with transactions.optimistic() as look:
            batch = Batch(await look.load(wanted_by([command])))
            await batch.handle([command])
            as_of = await log.complete_until()
            await look.write(batch.changes())
        assert [head.company_id for head in (await log.heads(as_of, None, 10)).heads] == [company]


async def test_what_was_read_too_long_ago_is_not_written(
    transactions: PostgresTransactions, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "GOOD_FOR", timedelta(0))
    with pytest.raises(Refused, match="in time"):
        await raced(transactions, register(an_id(), "Acme"))
    assert await everything(owner) == (0, 0, 0, 0, 0)


COMPANY, ID = an_id(), an_id()
RACES: dict[str, tuple[Command, Command]] = {
    "the company moved": (rename(COMPANY, "Mine"), rename(COMPANY, "Theirs")),
    "the company was closed": (add_user(COMPANY, an_id(), "a@acme.example"), close(COMPANY)),
    "the same user, added twice": (
        add_user(COMPANY, ID, "a@acme.example"),
        add_user(COMPANY, ID, "b@acme.example"),
    ),
    "the same company, registered twice": (register(ID, "Mine"), register(ID, "Theirs")),
}


@pytest.mark.parametrize("name", RACES)
async def test_what_no_longer_holds_is_refused_and_leaves_nothing(
    transactions: PostgresTransactions, owner: Owner, engine: AsyncEngine, name: str
) -> None:
    mine, theirs = RACES[name]
    async with pipeline(engine) as another:
        await another.handle(register(COMPANY, "Acme"))
        with pytest.raises(Refused):
            await raced(transactions, mine, theirs)
        before = await everything(owner)
        assert await owner.fetchval("SELECT count(*) FROM command_log WHERE id = $1", mine.id) == 0
        assert await owner.fetchval("SELECT count(*) FROM outbox") == before[2] == 2
        assert (await another.handle(mine))[0].status in {"accepted", "rejected"}


async def test_a_command_that_another_replica_has_rejected_meanwhile_is_not_accepted(
    transactions: PostgresTransactions, engine: AsyncEngine, owner: Owner
) -> None:
    holder, company = an_id(), an_id()
    async with pipeline(engine) as another:
        await another.handle(register(company, "Acme"), register(holder, "Umbrella"))
        mine = rename(company, "Umbrella")
        async with transactions.optimistic() as look:
            await another.handle(close(holder))
            free = Batch(await look.load(wanted_by([mine])))  # the name is free by now
        await owner.execute("UPDATE companies SET status = 'active' WHERE id = $1", holder)
        assert [getattr(reply, "code", None) for reply in await another.handle(mine)] == ["name_taken"]
        await owner.execute("UPDATE companies SET status = 'closed' WHERE id = $1", holder)
        assert [reply.status for reply in await free.handle([mine])] == ["accepted"]
        with pytest.raises(Refused, match="command_log"):
            async with transactions.optimistic() as look:
                await look.write(free.changes())
    assert await owner.fetchval("SELECT name FROM companies WHERE id = $1", company) == "Acme"


async def test_a_name_that_was_taken_meanwhile_is_refused_by_its_constraint(
    transactions: PostgresTransactions, owner: Owner
) -> None:
    with pytest.raises(Refused) as refusal:
        await raced(transactions, register(an_id(), "Acme"), register(an_id(), "Acme"))
    assert refusal.value.constraint == NAMES
    assert await everything(owner) == (1, 0, 1, 1, 1)


async def test_who_has_locked_a_name_and_read_that_it_is_free_does_not_find_it_taken(
    engine: AsyncEngine, owner: Owner
) -> None:
    first, second = register(an_id(), "Acme"), register(an_id(), "Acme")
    async with pipeline(engine) as quick:
        async with one_transaction(engine) as transaction:
            batch = Batch(await transaction.load(wanted_by([first])))
            racing = asyncio.create_task(quick.handle(second))
            await eventually(lambda: owner.fetchval(WAITING))  # for the name, before it has written anything
            await batch.handle([first])
            await transaction.write(batch.changes())
        assert [getattr(reply, "code", None) for reply in await racing] == ["name_taken"]
    assert await owner.fetchval("SELECT count(*) FROM companies") == 1


async def test_replicas_that_race_for_one_company_again_and_again_lose_nothing(
    server: Server, database_name: str, owner: Owner
) -> None:
    company = an_id()
    async with AsyncExitStack() as stack:
        engines = [
            await stack.enter_async_context(database(server.url(database_name), timeout=10, connections=2))
            for _ in range(3)
        ]
        replicas = [await stack.enter_async_context(pipeline(engine)) for engine in engines]
        for replica in replicas:
            replica.settling._optimism = Optimism(rest=0.0)
        await replicas[0].handle(register(company, "Acme", seat_limit=1000))
        for number in range(1, 21):  # one at a time at each, and all at the same moment
            limits = [1000 + 3 * number + which for which in range(3)]
            orders = [order("company.change_seat_limit", company, {"seat_limit": limit}) for limit in limits]
            sent = [replica.handle(one) for replica, one in zip(replicas, orders, strict=True)]
            replies = [reply for (reply,) in await asyncio.gather(*sent)]
            versions = sorted(reply.version for reply in replies if isinstance(reply, Accepted))
            assert versions == [3 * number - 1, 3 * number, 3 * number + 1]
    assert await owner.fetchval("SELECT version FROM companies") == 61
    assert await owner.fetchval("SELECT count(*) FROM outbox") == 61
