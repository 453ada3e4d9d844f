"""Under load the next batch waits a moment for more; a lone one, and one of enough, for nobody."""

import asyncio

import pytest

from contracts.linger import BUSY, Linger

LONG = 60.0  # seconds: who waits so long has waited for ever


async def test_after_few_nobody_waits() -> None:
    linger = Linger(LONG, 10)
    linger.arrived(1)
    async with asyncio.timeout(1):
        await linger.after(BUSY - 1)


async def test_under_load_the_next_batch_waits_until_enough_have_arrived() -> None:
    linger = Linger(LONG, 10)
    linger.arrived(4)
    waiting = asyncio.create_task(linger.after(BUSY))
    assert not (await asyncio.wait([waiting], timeout=0.05))[0]
    linger.arrived(6)
    async with asyncio.timeout(1):
        await waiting


async def test_it_waits_no_longer_than_its_time() -> None:
    linger = Linger(0.01, 10)
    linger.arrived(1)
    async with asyncio.timeout(5):
        await linger.after(BUSY)


async def test_where_nobody_waits_nobody_is_waited_for() -> None:
    linger = Linger(LONG, 10)
    linger.arrived(100)
    linger.taken(100)  # the batch of a sender who sends no other before its reply
    async with asyncio.timeout(1):
        await linger.after(100)


@pytest.mark.parametrize(("left", "waits"), [(10, False), (9, True)])
async def test_what_is_left_counts_for_the_next_batch(left: int, *, waits: bool) -> None:
    linger = Linger(LONG, 10)
    linger.arrived(100)
    linger.taken(100 - left)
    waiting = asyncio.create_task(linger.after(BUSY))
    await asyncio.wait([waiting], timeout=0.05)
    assert waiting.done() is not waits
    waiting.cancel()
