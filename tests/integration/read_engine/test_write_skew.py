"""Two replicas, an early event and its predecessor: they cannot pass each other."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from read_service.adapters.mongo import Database, connected
from read_service.adapters.transactions import MongoTransactions
from read_service.projections.planning import plan
from read_service.projections.ports import Conflicted
from read_service.projections.reading import Work
from read_service.projections.settling import transact
from tests.integration.read_engine.conftest import work
from tests.support.documents import positions
from tests.support.fresh import MongoDatabase
from tests.support.histories import histories
from tests.support.transactions import Opened, opened

LOG = histories(1, companies=1, events=6)
COMPANY = LOG[0]["subject"]
Pair = tuple[MongoTransactions, MongoTransactions]


@pytest_asyncio.fixture
async def replicas(documents: Database, mongo_database: MongoDatabase) -> AsyncIterator[Pair]:
    """The transactions of two replicas."""
    async with AsyncExitStack() as stack:
        made = []
        for name in ("one", "other"):
            database = await stack.enter_async_context(connected(mongo_database.url, name=name))
            made.append(MongoTransactions(database, 1))
            stack.push_async_callback(made[-1].close)
        yield made[0], made[1]


def version(number: int) -> Work:
    return work([LOG[number - 1]])


async def apply(transaction: Opened, one: Work, *, without_position: bool = False) -> None:
    """What settling does within a transaction, after its positions were read."""
    made = plan([one], await transaction.positions([COMPANY]), {})
    if without_position:
        made.positions.clear()
    await transaction.write(made)


async def meet(replicas: Pair, first: int, second: int, *, without_position: bool = False) -> None:
    """One replica applies a version after the other has read the position, and before it writes another version."""
    one, other = replicas
    async with opened(other) as later:
        await later.positions([COMPANY])
        await transact(one, [version(first)], frozenset())
        await apply(later, version(second), without_position=without_position)


async def known(replicas: Pair, last: int) -> None:
    """The documents include this version."""
    for number in range(1, last + 1):
        await transact(replicas[0], [version(number)], frozenset())


@pytest.mark.parametrize("last", [0, 1, 3])
async def test_what_comes_too_early_collides_with_what_it_waits_for(replicas: Pair, last: int) -> None:
    await known(replicas, last)
    with pytest.raises(Conflicted) as caught:
        await meet(replicas, last + 1, last + 2)
    assert type(caught.value) is Conflicted  # clashes, of which so many condemn, are what the data do


@pytest.mark.parametrize("last", [0, 1, 3])
async def test_what_is_next_collides_with_what_came_too_early(replicas: Pair, last: int) -> None:
    await known(replicas, last)
    with pytest.raises(Conflicted) as caught:
        await meet(replicas, last + 2, last + 1)
    assert type(caught.value) is Conflicted


async def test_after_the_collision_both_are_in_the_documents(replicas: Pair, documents: Database) -> None:
    await known(replicas, 1)
    with pytest.raises(Conflicted):
        await meet(replicas, 2, 3)
    await transact(replicas[1], [version(3)], frozenset())
    assert await positions(documents) == {COMPANY: 3}
    assert await documents["ahead.g1"].count_documents({}) == 0


async def test_without_the_position_written_they_pass_each_other(replicas: Pair, documents: Database) -> None:
    """What the guard is for: the third version stays behind, and nobody looks for it."""
    await known(replicas, 1)
    await meet(replicas, 2, 3, without_position=True)
    assert await documents["positions.g1"].find_one({"_id": COMPANY, "early": True}) is None
    assert await positions(documents) == {COMPANY: 2}
    (behind,) = await documents["ahead.g1"].find({}).to_list(None)
    assert json.loads(behind["body"])["id"] == LOG[2]["id"]
