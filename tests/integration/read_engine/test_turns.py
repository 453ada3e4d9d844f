"""Replicas that meet take turns; what was stored early is found with one query, whatever the number of companies."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from read_service.adapters import transactions as module
from read_service.adapters import turns as turns_module
from read_service.adapters.mongo import Database, connected, run, transaction
from read_service.adapters.transactions import MongoTransactions
from read_service.adapters.turns import Turns
from read_service.adapters.writing import commands
from read_service.projections.planning import Plan
from read_service.projections.ports import Conflicted
from read_service.projections.reading import Work
from read_service.projections.settling import transact
from tests.integration.read_engine.conftest import work
from tests.support.documents import positions
from tests.support.fresh import MongoDatabase
from tests.support.histories import Event, histories
from tests.support.transactions import opened
from tests.unit.read_projections.shelf import Shelf

LOG = histories(1, companies=3, events=30)
COMPANIES = sorted({event["subject"] for event in LOG})
NOBODY_WAITS = frozenset[int]()


def of(company_id: str, *versions: int) -> list[Event]:
    return [event for event in LOG if event["subject"] == company_id and event["version"] in versions]


def works(events: list[Event]) -> list[Work]:
    return [work([event]) for event in events]


@pytest_asyncio.fixture
async def replicas(documents: Database, mongo_database: MongoDatabase) -> AsyncIterator[list[MongoTransactions]]:
    """The transactions of two replicas on the same lane."""
    async with AsyncExitStack() as stack:
        made = []
        for name in ("one", "other"):
            database = await stack.enter_async_context(connected(mongo_database.url, name=name))
            made.append(MongoTransactions(database, 1, lane=1))
            stack.push_async_callback(made[-1].close)
        yield made


def turns(transactions: MongoTransactions) -> Turns:
    return transactions._turns


async def taken(documents: Database) -> int:
    turn = await documents["turns.g1"].find_one({"_id": 1})
    return 0 if turn is None else int(turn["taken"])


async def meet(first: MongoTransactions, second: MongoTransactions) -> None:
    """The second one stores a version early that the first one makes the next."""
    async with opened(second) as later:
        await later.positions([COMPANIES[0]])
        await transact(first, works(of(COMPANIES[0], 1)), NOBODY_WAITS)
        await later.write(Shelf().transact(works(of(COMPANIES[0], 2))))


async def test_who_meets_nobody_takes_no_turn(replicas: list[MongoTransactions], documents: Database) -> None:
    await transact(replicas[0], works(of(COMPANIES[0], 1)), NOBODY_WAITS)
    assert await taken(documents) == 0


async def test_the_next_one_waits_until_the_first_has_committed(
    replicas: list[MongoTransactions], documents: Database
) -> None:
    first, second = replicas
    for one in replicas:
        turns(one).crowding.met()
    async with opened(first) as open_one:
        await open_one.positions([COMPANIES[0]])
        waiting = asyncio.create_task(transact(second, works(of(COMPANIES[0], 2)), NOBODY_WAITS))
        assert not (await asyncio.wait([waiting], timeout=0.2))[0]
        await open_one.write(Shelf().transact(works(of(COMPANIES[0], 1))))
    async with asyncio.timeout(5):
        made = await waiting  # no Conflicted: it began when the other had committed
    assert [change.version for change in made.applied] == [2]
    assert await positions(documents) == {COMPANIES[0]: 2}


async def test_who_is_late_is_told_by_its_first_write(replicas: list[MongoTransactions], documents: Database) -> None:
    turns(replicas[0]).crowding.met()
    async with opened(replicas[0]), await documents.client.start_session() as session:
        with pytest.raises(Conflicted):
            async with transaction(session):
                await run(documents, session, [turns(replicas[1]).take])


async def test_who_has_met_another_takes_one_turn_and_then_none(
    replicas: list[MongoTransactions], documents: Database
) -> None:
    first, second = replicas
    with pytest.raises(Conflicted):
        await meet(first, second)
    for version in (2, 3):
        await transact(second, works(of(COMPANIES[0], version)), NOBODY_WAITS)
        assert await taken(documents) == 2  # waited for, and taken in the transaction


async def test_a_frozen_replica_is_not_waited_for(
    replicas: list[MongoTransactions], documents: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen, other = replicas
    turns(frozen).crowding.left, turns(other).crowding.left = 1, 5
    monkeypatch.setattr(turns_module, "WAIT_SECONDS", 0.05)
    async with opened(frozen), asyncio.timeout(5):
        await transact(other, works(of(COMPANIES[0], 1)), NOBODY_WAITS)
        assert await positions(documents) == {COMPANIES[0]: 1}
    assert turns(other).crowding.left == 0


@pytest.mark.parametrize("together", [2_000, 3])
async def test_gaps_of_many_companies_close_at_once(
    replicas: list[MongoTransactions], documents: Database, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    monkeypatch.setattr(module, "MOST_TOGETHER", together)
    early = [event for name in COMPANIES for event in of(name, 2, 3, 5)]
    await transact(replicas[0], works(early), NOBODY_WAITS)
    assert await documents["ahead.g1"].count_documents({}) == len(early)
    await transact(replicas[1], works([event for name in COMPANIES for event in of(name, 1)]), NOBODY_WAITS)
    assert await positions(documents) == dict.fromkeys(COMPANIES, 3)
    left = await documents["ahead.g1"].find({}).to_list(None)
    assert sorted((one["_id"]["company"], one["_id"]["version"]) for one in left) == [(name, 5) for name in COMPANIES]
    await transact(replicas[1], works([event for name in COMPANIES for event in of(name, 4)]), NOBODY_WAITS)
    assert await positions(documents) == dict.fromkeys(COMPANIES, 5)
    assert await documents["ahead.g1"].count_documents({}) == 0


async def test_early_events_are_found_by_their_index(documents: Database) -> None:
    found = documents["ahead.g1"].find({"_id.company": {"$in": COMPANIES}})
    assert "COLLSCAN" not in str((await found.explain())["queryPlanner"]["winningPlan"])


def test_what_replicas_may_meet_on_is_written_first() -> None:
    made: Plan = Shelf().transact(works(of(COMPANIES[0], 1, 2)))
    written = [next(iter(one.items())) for one in commands(made, 1, 0)]
    assert written[:2] == [("insert", "positions.g1"), ("update", "statistics.g1")]
