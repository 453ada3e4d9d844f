"""Under load a transaction waits for more events; a lone one, and what is stored already, for nobody."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from contracts.linger import BUSY, Linger
from read_service.projections.engine import Engine
from read_service.projections.planning import Plan
from read_service.projections.reading import Work
from tests.support.histories import Event, histories
from tests.unit.read_projections.shelf import Shelf
from tests.unit.read_projections.test_settling import work

LOG = histories(1, companies=1, events=BUSY + 20)


class Settled:
    """Settles on a shelf, and remembers how many events were taken at once."""

    def __init__(self) -> None:
        self.shelf = Shelf()
        self.sizes: list[int] = []
        self.unfinished: list[str] = []
        self.began, self.let_on = asyncio.Event(), asyncio.Event()
        self.let_on.set()

    async def __call__(self, works: Sequence[Work], patient: frozenset[int]) -> Plan:
        self.sizes.append(sum(one.count for one in works))
        self.began.set()
        await self.let_on.wait()
        made = self.shelf.transact(works, patient)
        made.unfinished, self.unfinished = self.unfinished, []
        return made


@asynccontextmanager
async def running(settled: Settled) -> AsyncIterator[Engine]:
    """An engine that lingers for ever, unless ten events have arrived."""
    engine = Engine(settled, most_held=100, linger=Linger(60, 10))
    task = asyncio.create_task(engine.run())
    try:
        yield engine
    finally:
        task.cancel()
        await asyncio.wait([task])


def events(first: int, number: int) -> list[Event]:
    return LOG[first : first + number]


async def test_after_a_large_one_the_next_waits_for_enough() -> None:
    settled = Settled()
    async with running(settled) as engine, asyncio.timeout(5):
        settled.let_on.clear()
        large = asyncio.create_task(engine.apply(work(events(0, BUSY))))
        await settled.began.wait()
        few = asyncio.create_task(engine.apply(work(events(BUSY, 4))))
        await asyncio.sleep(0)
        settled.let_on.set()
        await large
        assert not (await asyncio.wait([few], timeout=0.05))[0]
        await engine.apply(work(events(BUSY + 4, 6)))
        await few
    assert settled.sizes == [BUSY, 10]


async def test_after_a_small_one_nobody_waits() -> None:
    settled = Settled()
    async with running(settled) as engine, asyncio.timeout(5):
        for number in range(5):
            await engine.apply(work(events(number, 1)))
    assert settled.sizes == [1] * 5


async def test_who_waits_for_documents_before_the_next_large_one_does_not_wait_longer() -> None:
    settled = Settled()
    async with running(settled) as engine, asyncio.timeout(5):
        await engine.apply(work(events(0, BUSY)))
        await engine.apply(work(events(BUSY, 5)))
    assert settled.sizes == [BUSY, 5]


async def test_what_is_stored_already_is_not_waited_for() -> None:
    settled = Settled()
    settled.unfinished = [LOG[0]["subject"]]
    async with running(settled) as engine, asyncio.timeout(5):
        settled.let_on.clear()
        large = asyncio.create_task(engine.apply(work(events(0, BUSY))))
        await settled.began.wait()
        few = asyncio.create_task(engine.apply(work(events(BUSY, 1))))
        await asyncio.sleep(0)
        settled.let_on.set()
        await asyncio.gather(large, few)
    assert settled.sizes == [BUSY, 1]
