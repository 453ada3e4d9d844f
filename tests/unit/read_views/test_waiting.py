"""Waiting for versions: woken by the engine of the same process or by one poll for all, bounded, ended by a stop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from read_service.metrics import WAITERS
from read_service.views.refusals import NotNow
from read_service.views.waiting import Waiting
from tests.support.eventually import eventually
from tests.unit.read_views.fakes import Store

Wanted = list[tuple[str, int]]


def waiting_for(store: Store, wanted: Wanted | None = None, limit: int = 1000, poll: float = 0.005) -> Waiting:
    """A Waiting over this store."""

    def note(company_id: str, version: int) -> None:
        if wanted is not None:
            wanted.append((company_id, version))

    return Waiting(store.read_versions, note, limit=limit, poll_seconds=poll)


@contextlib.asynccontextmanager
async def following(waiting: Waiting) -> AsyncIterator[None]:
    """The poll runs within the block."""
    task = asyncio.create_task(waiting.follow())
    try:
        yield
    finally:
        task.cancel()


async def reached(waiting: Waiting, store: Store, company_id: str, version: int, within: float = 5.0) -> bool:
    """Wait as a query does: look, sleep, look again."""
    deadline = asyncio.get_running_loop().time() + within
    with waiting.watch({company_id: version}) as watch:
        while store.versions.get(company_id, 0) < version:
            if not await waiting.sleep(watch, {company_id: version}, deadline):
                return False
    return True


def asleep() -> float:
    """How many sleep."""
    value: float = WAITERS._value.get()
    return value


async def test_the_engine_of_the_same_process_wakes_without_any_poll() -> None:
    store = Store()
    waiting = waiting_for(store)
    query = asyncio.create_task(reached(waiting, store, "acme", 2))
    await eventually(asleep)

    store.versions["acme"] = 2
    waiting.applied({"acme": 2, "other": 9})

    assert await query
    assert store.reads == 0


async def test_five_hundred_share_one_poll() -> None:
    store = Store()
    waiting = waiting_for(store, poll=0.05)
    async with following(waiting):
        queries = [asyncio.create_task(reached(waiting, store, f"company {n % 50}", 3)) for n in range(500)]
        await eventually(lambda: asleep() == 500)
        before, began = store.reads, asyncio.get_running_loop().time()

        store.versions.update({f"company {number}": 3 for number in range(50)})

        assert all(await asyncio.gather(*queries))
        took = asyncio.get_running_loop().time() - began
    assert store.reads - before <= 2 + took / 0.05


async def test_nobody_who_waits_means_no_poll() -> None:
    store = Store()
    waiting = waiting_for(store, poll=0.001)
    async with following(waiting):
        store.versions["acme"] = 1
        assert await reached(waiting, store, "acme", 1)
        assert not await reached(waiting, store, "acme", 2, within=0.02)
        reads = store.reads
        store.read.clear()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(store.read.wait(), 0.05)
    assert reads > 0
    assert store.reads == reads


async def test_a_version_that_is_applied_between_look_and_sleep_is_not_missed() -> None:
    store = Store()
    waiting = waiting_for(store)
    with waiting.watch({"acme": 1}) as watch:
        waiting.applied({"acme": 1})

        assert await waiting.sleep(watch, {"acme": 1}, asyncio.get_running_loop().time() + 5)


async def test_what_is_there_of_several_companies_does_not_wake_again_and_again() -> None:
    store = Store()
    waiting = waiting_for(store)
    with waiting.watch({"acme": 1, "beta": 5}) as watch:
        deadline = asyncio.get_running_loop().time() + 0.05
        waking = asyncio.create_task(waiting.sleep(watch, {"beta": 5}, deadline))
        await eventually(asleep)
        waiting.applied({"acme": 1, "beta": 4})

        assert not await waking


async def test_who_comes_too_many_is_told_so_and_a_place_becomes_free_again() -> None:
    store = Store()
    waiting = waiting_for(store, limit=2)
    two = [asyncio.create_task(reached(waiting, store, "acme", 1)) for _ in range(2)]
    await eventually(lambda: asleep() == 2)

    with pytest.raises(NotNow, match="too many"):
        await reached(waiting, store, "acme", 1)

    store.versions["acme"] = 1
    waiting.applied({"acme": 1})
    assert await asyncio.gather(*two) == [True, True]
    assert not await reached(waiting, store, "acme", 2, within=0.01)


async def test_a_stop_sends_everybody_away_and_whoever_comes_later() -> None:
    store = Store()
    waiting = waiting_for(store)
    queries = [asyncio.create_task(reached(waiting, store, "acme", 1)) for _ in range(3)]
    await eventually(lambda: asleep() == 3)

    waiting.stop()

    answers = await asyncio.gather(*queries, return_exceptions=True)
    assert {type(answer) for answer in answers} == {NotNow}
    with pytest.raises(NotNow):
        await reached(waiting, store, "acme", 1)


async def test_a_poll_that_fails_goes_on() -> None:
    store = Store()
    store.away = True
    waiting = waiting_for(store)
    async with following(waiting):
        query = asyncio.create_task(reached(waiting, store, "acme", 1))
        await eventually(lambda: store.reads)
        store.away = False
        store.versions["acme"] = 1

        assert await query


async def test_a_query_that_is_given_up_leaves_nothing_behind() -> None:
    store = Store()
    wanted: Wanted = []
    waiting = waiting_for(store, wanted)
    query = asyncio.create_task(reached(waiting, store, "acme", 7))
    await eventually(asleep)

    query.cancel()

    with pytest.raises(asyncio.CancelledError):
        await query
    assert asleep() == 0
    assert waiting._watches == {}
    assert wanted == [("acme", 7)]
