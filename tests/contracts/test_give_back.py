"""A delivery that is given back is not passed by an acknowledgement before the broker has been told."""

import asyncio
from typing import Any, cast

from contracts.consuming import Session


class Channel:
    """In the place of a channel whose writes wait for room."""

    def __init__(self) -> None:
        self.closing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.on_consumer_cancel_callbacks = set[Any]()
        self.room = asyncio.Event()
        self.told: list[tuple[str, int]] = []

    async def basic_nack(self, tag: int, *, requeue: bool) -> None:
        assert requeue
        await self.room.wait()
        self.told.append(("nack", tag))

    async def basic_ack(self, tag: int, *, multiple: bool) -> None:
        assert multiple
        self.told.append(("ack", tag))


async def test_later_ones_are_acknowledged_after_it_and_without_another_message() -> None:
    channel = Channel()
    session = Session(cast("Any", None), channel, 100, 1)
    giving_back = asyncio.create_task(session.give_back(1))
    await asyncio.sleep(0)
    session.window.finished(2)
    await session.window.flushed()
    assert channel.told == []
    channel.room.set()
    await giving_back
    await session.window.flushed()
    assert channel.told == [("nack", 1), ("ack", 2)]
