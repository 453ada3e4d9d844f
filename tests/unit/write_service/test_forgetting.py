"""Whatever the broker confirmed is forgotten, in whatever order confirms and deletions come."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from tests.support.eventually import eventually
from write_service.service_layer.outbox import Claim, Depth, Unpublished
from write_service.service_layer.relay import Relay

ROWS = [Unpublished(f"e{number}", "company.closed.v1", b"{}") for number in range(4)]


class Messages:
    """Each publish is confirmed when the test says so."""

    stalled_for = 0.0

    def __init__(self) -> None:
        self.confirm = {row.event_id: asyncio.Event() for row in ROWS}
        self.waiting: list[str] = []
        self.confirmed: list[str] = []

    async def publish(self, rows: Sequence[Unpublished], by: str) -> list[str]:
        assert by == "commit"
        self.waiting += [row.event_id for row in rows]
        for row in rows:
            await self.confirm[row.event_id].wait()
            self.confirmed.append(row.event_id)
        return [row.event_id for row in rows]


class Outbox:
    """Each deletion ends, or fails, when the test says so."""

    def __init__(self) -> None:
        self.rows = {row.event_id for row in ROWS}
        self.deletions: list[asyncio.Future[None]] = []

    async def delete(self, event_ids: Sequence[str]) -> None:
        asked_for = list(event_ids)
        self.deletions.append(asyncio.get_running_loop().create_future())
        await self.deletions[-1]
        self.rows -= set(asked_for)

    def claim(self, older_than: float, limit: int) -> AbstractAsyncContextManager[Claim]:
        raise AssertionError("only a sweep claims", older_than, limit)

    async def depth(self) -> Depth:
        return Depth(len(self.rows), 0)


async def three_confirmed_around_a_deletion() -> tuple[Relay, Outbox]:
    """The first is being deleted while the second, offered before that, and the third, offered after it, come in."""
    messages, outbox = Messages(), Outbox()
    relay = Relay(messages, outbox)
    relay.offer(ROWS[:1])
    relay.offer(ROWS[1:2])
    await eventually(lambda: messages.waiting == ["e0", "e1"])
    messages.confirm["e0"].set()
    await eventually(lambda: len(outbox.deletions) == 1)
    relay.offer(ROWS[2:3])
    await eventually(lambda: len(messages.waiting) == 3)
    for number, event_id in enumerate(("e1", "e2"), 2):
        messages.confirm[event_id].set()
        await eventually(lambda number=number: len(messages.confirmed) == number)  # type: ignore[misc]
    return relay, outbox


async def test_what_is_confirmed_during_a_deletion_is_forgotten_by_the_next() -> None:
    relay, outbox = await three_confirmed_around_a_deletion()
    outbox.deletions[0].set_result(None)
    await eventually(lambda: len(outbox.deletions) == 2)
    outbox.deletions[1].set_result(None)
    await relay.drained()
    assert outbox.rows == {"e3"}


async def test_a_deletion_that_fails_keeps_no_others_from_being_forgotten() -> None:
    relay, outbox = await three_confirmed_around_a_deletion()
    outbox.deletions[0].set_exception(OSError("away"))
    await eventually(lambda: len(outbox.deletions) == 2)
    outbox.deletions[1].set_result(None)
    await relay.drained()
    assert outbox.rows == {"e0", "e3"}
