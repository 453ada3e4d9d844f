"""How commands gather while a transaction is under way."""

import asyncio
from collections.abc import Sequence

import pytest

from contracts.commands import Command
from contracts.linger import BUSY, Linger
from contracts.replies import Parked, Reply
from tests.unit.write_service.orders import an_id, register
from write_service.service_layer.group_commit import GroupCommit, lingering


class Slow:
    """A settle that waits to be let on, and remembers what it was given."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.let_on = asyncio.Semaphore(0)

    async def settle(self, commands: Sequence[Command]) -> list[Reply]:
        self.batches.append([command.id for command in commands])
        await self.let_on.acquire()
        return [Parked(command.id, "a reply like another") for command in commands]


async def until_idle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_lone_command_is_committed_at_once_and_later_ones_gather() -> None:
    slow, orders = Slow(), [register(an_id(), f"Company {number}") for number in range(6)]
    pipeline = GroupCommit(slow.settle, max_batch=100, linger=lingering(100, 200))
    running = asyncio.create_task(pipeline.run())
    waiting = [asyncio.create_task(pipeline.handle([orders[0]]))]
    await until_idle()
    assert slow.batches == [[orders[0].id]]
    waiting += [asyncio.create_task(pipeline.handle(orders[1:3])), asyncio.create_task(pipeline.handle(orders[3:]))]
    await until_idle()
    assert len(slow.batches) == 1
    slow.let_on.release()
    slow.let_on.release()
    replies = await asyncio.gather(*waiting)
    assert slow.batches[1] == [order.id for order in orders[1:]]
    assert [[reply.command_id for reply in of_message] for of_message in replies] == [
        [orders[0].id],
        [order.id for order in orders[1:3]],
        [order.id for order in orders[3:]],
    ]
    running.cancel()


async def test_what_arrives_right_after_a_commit_goes_together() -> None:
    slow, orders = Slow(), [register(an_id(), f"Company {number}") for number in range(3)]
    slow.let_on = asyncio.Semaphore(10)
    pipeline = GroupCommit(slow.settle, max_batch=100, linger=lingering(100, 200))
    running = asyncio.create_task(pipeline.run())
    await pipeline.handle([orders[0]])
    later = [asyncio.create_task(pipeline.handle([orders[1]]))]
    for _ in range(3):
        await asyncio.sleep(0)
    await asyncio.gather(*later, pipeline.handle([orders[2]]))
    assert slow.batches == [[orders[0].id], [orders[1].id, orders[2].id]]
    running.cancel()


async def test_a_batch_is_bounded_and_never_cuts_a_message() -> None:
    slow = Slow()
    messages = [[register(an_id(), f"C {size} {number}") for number in range(size)] for size in (4, 3, 4, 12)]
    pipeline = GroupCommit(slow.settle, max_batch=10, linger=lingering(10, 200))
    waiting = [asyncio.create_task(pipeline.handle(message)) for message in messages]
    await until_idle()
    running = asyncio.create_task(pipeline.run())
    for _ in messages:
        slow.let_on.release()
    await asyncio.gather(*waiting)
    assert [len(batch) for batch in slow.batches] == [7, 4, 12]
    running.cancel()


async def test_who_gives_up_waiting_does_not_keep_the_others_from_their_replies() -> None:
    slow, one, other = Slow(), register(an_id(), "One"), register(an_id(), "Other")
    pipeline = GroupCommit(slow.settle, max_batch=10, linger=lingering(10, 200))
    gives_up, stays = asyncio.create_task(pipeline.handle([one])), asyncio.create_task(pipeline.handle([other]))
    running = asyncio.create_task(pipeline.run())
    await until_idle()
    gives_up.cancel()
    slow.let_on.release()
    assert [reply.command_id for reply in await stays] == [other.id]
    running.cancel()


async def test_when_it_stops_nobody_is_left_waiting() -> None:
    slow = Slow()
    pipeline = GroupCommit(slow.settle, max_batch=1, linger=lingering(1, 200))
    running = asyncio.create_task(pipeline.run())
    waiting = [asyncio.create_task(pipeline.handle([register(an_id(), "Any")])) for _ in range(3)]
    await until_idle()
    running.cancel()
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(end) for end in ended] == [asyncio.CancelledError] * 3
    with pytest.raises(asyncio.CancelledError):
        await pipeline.handle([register(an_id(), "Late")])


async def test_after_a_large_batch_the_next_one_waits_for_enough() -> None:
    slow, orders = Slow(), [register(an_id(), f"Company {number}") for number in range(BUSY + 4)]
    slow.let_on = asyncio.Semaphore(10)
    pipeline = GroupCommit(slow.settle, max_batch=100, linger=Linger(60, 4))
    running = asyncio.create_task(pipeline.run())
    await pipeline.handle(orders[:BUSY])
    first = asyncio.create_task(pipeline.handle(orders[BUSY : BUSY + 1]))
    assert not (await asyncio.wait([first], timeout=0.05))[0]
    async with asyncio.timeout(5):
        await asyncio.gather(first, *(pipeline.handle([order]) for order in orders[BUSY + 1 :]))
    assert slow.batches[1:] == [[order.id for order in orders[BUSY:]]]
    running.cancel()
