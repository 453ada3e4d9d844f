"""One acknowledgement for many: never for a message that is still under way, never twice for one."""

import asyncio
import random

import pytest

from contracts.acknowledging import FEW, AckWindow


class Broker:
    """A channel with deliveries that wait; refuses what RabbitMQ refuses."""

    def __init__(self, deliveries: int) -> None:
        self.waiting = list(range(1, deliveries + 1))
        self.acks: list[tuple[int, bool]] = []
        self.is_lost = False

    async def acknowledge(self, tag: int, multiple: bool) -> None:
        await asyncio.sleep(0)
        if self.is_lost:
            raise ConnectionError
        assert tag in self.waiting, f"unknown delivery tag {tag}"
        self.acks.append((tag, multiple))
        self.waiting = [other for other in self.waiting if other > tag or (other < tag and not multiple)]


async def test_neighbours_that_finish_together_are_acknowledged_at_once() -> None:
    broker = Broker(5)
    window = AckWindow(broker.acknowledge)
    for tag in (2, 1, 3, 5):
        window.finished(tag)
    await window.flushed()
    assert (broker.acks, broker.waiting) == ([(3, True)], [4, 5])
    window.finished(4)
    await window.flushed()
    assert (broker.acks[1:], broker.waiting) == ([(5, True)], [])


async def test_one_that_is_stuck_does_not_keep_the_others_unacknowledged() -> None:
    broker = Broker(8)
    window = AckWindow(broker.acknowledge, most_behind=3)
    for tag in (2, 3, 4, 5):
        window.finished(tag)
    await window.flushed()
    assert broker.waiting == [1, 6, 7, 8]
    for tag in (1, 6):
        window.finished(tag)
        await window.flushed()
    assert broker.waiting == [7, 8]


async def test_one_that_was_given_back_is_not_acknowledged() -> None:
    broker = Broker(3)
    window = AckWindow(broker.acknowledge)
    broker.waiting.remove(2)
    window.settled(2)
    for tag in (3, 1):
        window.finished(tag)
    await window.flushed()
    assert (broker.acks, broker.waiting) == ([(3, True)], [])


async def test_those_behind_one_that_was_given_back_are_acknowledged_without_another_message() -> None:
    broker = Broker(3)
    window = AckWindow(broker.acknowledge)
    window.finished(2)
    window.finished(3)
    await window.flushed()
    assert broker.acks == []
    broker.waiting.remove(1)
    window.settled(1)
    await window.flushed()
    assert (broker.acks, broker.waiting) == ([(3, True)], [])


async def test_in_any_order_every_message_is_acknowledged_once_it_is_finished() -> None:
    chance = random.Random(7)
    for _ in range(50):
        broker, finished = Broker(60), set[int]()
        window = AckWindow(broker.acknowledge, most_behind=chance.choice([0, 3, 200]))
        for tag in chance.sample(range(1, 61), 60):
            finished.add(tag)
            if chance.random() < 0.1:
                broker.waiting.remove(tag)
                window.settled(tag)
            else:
                window.finished(tag)
            if chance.random() < 0.5:
                await asyncio.sleep(0)
            assert set(range(1, 61)) - finished <= set(broker.waiting)
        await window.flushed()
        assert broker.waiting == []


async def test_a_channel_that_is_lost_ends_the_acknowledging_and_nothing_else() -> None:
    broker = Broker(2)
    broker.is_lost = True
    window = AckWindow(broker.acknowledge)
    window.finished(1)
    await window.flushed()
    window.finished(2)
    await window.flushed()
    assert broker.acks == []


@pytest.mark.parametrize(("prefetch", "many"), [(200, FEW + 1), (10, 3), (1, 1)])
async def test_many_are_acknowledged_without_a_wait(prefetch: int, many: int) -> None:
    broker = Broker(many)
    window = AckWindow(broker.acknowledge, most_behind=prefetch // 4, linger=60)
    for tag in range(1, many + 1):
        window.finished(tag)
    async with asyncio.timeout(10):
        await window.flushed()
    assert broker.acks == [(many, True)]


async def test_a_few_wait_no_longer_once_many_have_finished() -> None:
    broker = Broker(FEW + 1)
    window = AckWindow(broker.acknowledge, linger=60)
    window.finished(1)
    for _ in range(3):
        await asyncio.sleep(0)
    assert broker.acks == []
    for tag in range(2, FEW + 2):
        window.finished(tag)
    async with asyncio.timeout(10):
        await window.flushed()
    assert broker.acks == [(FEW + 1, True)]


async def test_a_few_wait_again_after_many() -> None:
    broker = Broker(FEW + 2)
    window = AckWindow(broker.acknowledge, linger=0.2)
    for tag in range(1, FEW + 3):
        window.finished(tag)
        for _ in range(5):
            await asyncio.sleep(0)
        assert broker.acks == ([] if tag <= FEW else [(FEW + 1, True)])
    await window.flushed()
    assert broker.acks == [(FEW + 1, True), (FEW + 2, True)]


async def test_those_that_finish_soon_after_each_other_are_acknowledged_together() -> None:
    broker = Broker(3)
    window = AckWindow(broker.acknowledge)
    for tag in (1, 2, 3):
        window.finished(tag)
        for _ in range(3):
            await asyncio.sleep(0)
        assert broker.acks == []
    await window.flushed()
    assert broker.acks == [(3, True)]
