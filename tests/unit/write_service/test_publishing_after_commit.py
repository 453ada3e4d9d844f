"""From a commit to the bus: grouped, confirmed, forgotten; what the broker does not confirm keeps its row."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from contracts.publisher import ConfirmedPublisher, Returned, Unconfirmed
from contracts.reading import BATCH
from tests.support.eventually import eventually
from write_service import metrics
from write_service.adapters import broker as module
from write_service.adapters.broker import BrokerEventMessages
from write_service.entrypoints.relay import Sweep
from write_service.service_layer.outbox import Depth, Unpublished
from write_service.service_layer.relay import FEW, Relay

TRACE = f"00-{'a' * 32}-{'b' * 16}-01"


class Publisher:
    """A broker that confirms, unless it is told what to answer next."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, list[Any], dict[str, Any]]] = []
        self.answers: list[Exception | None] = []
        self.go = asyncio.Event()
        self.go.set()
        self.at_once = self.most_at_once = 0

    async def publish(self, exchange: str, routing_key: str, body: bytes, **properties: Any) -> None:
        assert exchange == "events"
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            await asyncio.sleep(0)
            await self.go.wait()
            if self.answers and (answer := self.answers.pop(0)) is not None:
                raise answer
        finally:
            self.at_once -= 1
        self.sent.append((routing_key, json.loads(body), properties))


class Outbox:
    """Rows in memory."""

    def __init__(self, rows: Sequence[Unpublished] = ()) -> None:
        self.rows = {row.event_id: row for row in rows}
        self.deletions: list[list[str]] = []
        self.asked = 0
        self.fails = False
        self.go = asyncio.Event()
        self.go.set()

    async def delete(self, event_ids: Sequence[str]) -> None:
        self.asked += 1
        await self.go.wait()
        if self.fails:
            raise OSError("away")
        self.deletions.append(list(event_ids))
        for event_id in event_ids:
            del self.rows[event_id]

    @asynccontextmanager
    async def claim(self, older_than: float, limit: int) -> AsyncIterator[Any]:
        assert older_than == 15
        if self.fails:
            raise OSError("away")
        page = Outbox(list(self.rows.values())[:limit])
        claimed = Claimed(list(page.rows.values()), self)
        yield claimed

    async def depth(self) -> Depth:
        return Depth(len(self.rows), 0)


class Claimed:
    def __init__(self, rows: list[Unpublished], outbox: Outbox) -> None:
        self.rows = rows
        self._outbox = outbox

    async def delete(self, event_ids: Sequence[str]) -> None:
        await self._outbox.delete(event_ids)


def row(number: int, kind: str = "company.registered.v1", trace: str | None = None, size: int = 1) -> Unpublished:
    return Unpublished(f"e{number}", kind, json.dumps({"id": f"e{number}", "x": "x" * size}).encode(), trace)


def given(window: int = 8) -> tuple[Publisher, BrokerEventMessages]:
    publisher = Publisher()
    return publisher, BrokerEventMessages(cast("ConfirmedPublisher", publisher), window)


def counted(name: str) -> float:
    return metrics.REGISTRY.get_sample_value(f"registrar_write_{name}_total") or 0.0


async def test_events_travel_by_type_in_their_order_under_the_type_as_key() -> None:
    publisher, messages = given()
    rows = [row(1), row(2, "user.added.v1", TRACE), row(3), row(4, "user.added.v1", TRACE)]
    assert sorted(await messages.publish(rows, by="commit")) == ["e1", "e2", "e3", "e4"]
    sent = {key: ([event["id"] for event in events], properties) for key, events, properties in publisher.sent}
    assert {key: events for key, (events, _) in sent.items()} == {
        "company.registered.v1": ["e1", "e3"],
        "user.added.v1": ["e2", "e4"],
    }
    for key, (_, properties) in sent.items():
        assert (properties["type"], properties["content_type"]) == (key, BATCH)
    assert sent["user.added.v1"][1]["headers"] == {"traceparent": TRACE}
    assert len({properties["message_id"] for _, properties in sent.values()}) == 2


async def test_messages_are_cut_by_count_and_by_bytes_and_a_bounded_number_is_under_way() -> None:
    publisher, messages = given(window=2)
    rows = [*(row(number) for number in range(250)), *(row(number, size=200_000) for number in range(250, 253))]
    assert len(await messages.publish(rows, by="commit")) == 253
    assert [len(events) for _, events, _ in publisher.sent] == [100, 100, 51, 1, 1]
    assert publisher.most_at_once == 2


async def test_what_no_queue_takes_keeps_its_row_and_is_counted() -> None:
    publisher, messages = given()
    publisher.answers = [Returned("no queue")]
    before = counted("returned")
    assert await messages.publish([row(1), row(2, "user.added.v1")], by="commit") == ["e2"]
    assert counted("returned") - before == 1
    assert messages.stalled_for == 0


async def test_a_lost_connection_is_tried_once_more_and_then_publishing_counts_as_stalled() -> None:
    publisher, messages = given()
    publisher.answers = [Unconfirmed("lost")]
    assert await messages.publish([row(1)], by="commit") == ["e1"]
    publisher.answers = [Unconfirmed("lost"), Unconfirmed("lost")]
    before = counted("unconfirmed")
    assert await messages.publish([row(1)], by="commit") == []
    assert counted("unconfirmed") - before == 1
    assert messages.stalled_for > 0
    assert await messages.publish([row(1)], by="commit") == ["e1"]
    assert messages.stalled_for == 0


async def test_a_broker_that_does_not_answer_in_time_is_not_tried_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 0)
    publisher, messages = given()
    publisher.answers = [Unconfirmed("no answer")]
    assert await messages.publish([row(1)], by="commit") == []
    assert publisher.sent == []


async def test_confirmed_rows_are_forgotten_together_one_deletion_at_a_time() -> None:
    publisher, messages = given()
    rows = [row(number) for number in range(6)]
    outbox = Outbox(rows)
    outbox.go.clear()
    relay = Relay(messages, outbox, forgotten_after=0)
    relay.offer(rows[:1])
    await eventually(lambda: outbox.asked == 1)
    for each in rows[1:]:
        relay.offer([each])
    await eventually(lambda: len(publisher.sent) == 6)
    outbox.go.set()
    await relay.drained()
    assert (outbox.rows, len(outbox.deletions)) == ({}, 2)


async def test_a_lone_row_waits_for_others_to_be_forgotten_with() -> None:
    publisher, messages = given()
    rows = [row(number) for number in range(FEW)]
    outbox = Outbox(rows)
    relay = Relay(messages, outbox, forgotten_after=0.5)
    for number, each in enumerate(rows):
        relay.offer([each])
        await eventually(lambda: len(publisher.sent) > number)  # noqa: B023
    await relay.drained()
    assert (outbox.rows, len(outbox.deletions) <= 2) == ({}, True)


async def test_many_rows_are_forgotten_without_a_wait() -> None:
    _, messages = given()
    rows = [row(number) for number in range(FEW + 1)]
    outbox = Outbox(rows)
    relay = Relay(messages, outbox, forgotten_after=60)
    relay.offer(rows)
    async with asyncio.timeout(10):
        await relay.drained()
    assert outbox.rows == {}


async def test_rows_that_cannot_be_forgotten_stay_and_hold_nothing_up() -> None:
    _, messages = given()
    outbox = Outbox([row(1), row(2)])
    relay = Relay(messages, outbox)
    outbox.fails = True
    relay.offer([row(1)])
    await relay.drained()
    outbox.fails = False
    relay.offer([row(2)])
    await relay.drained()
    assert list(outbox.rows) == ["e1"]


async def test_while_the_broker_confirms_nothing_rows_rest_in_the_table_and_not_in_memory() -> None:
    publisher, messages = given()
    publisher.go.clear()
    relay = Relay(messages, Outbox([row(1), row(2), row(3)]), at_most=2)
    relay.offer([row(1), row(2)])
    relay.offer([row(3)])
    publisher.go.set()
    await relay.drained()
    assert [len(events) for _, events, _ in publisher.sent] == [2]


async def test_a_sweep_publishes_what_was_left_page_by_page_without_a_pause() -> None:
    publisher, messages = given()
    outbox = Outbox([row(number) for number in range(250)])
    sweep = Sweep(messages, outbox, grace=15, page=100)
    running = asyncio.create_task(sweep.run(every=3600))
    await eventually(lambda: not outbox.rows)
    running.cancel()
    assert [len(events) for _, events, _ in publisher.sent] == [100, 100, 50]


async def test_a_sweep_keeps_what_was_not_confirmed_and_comes_back() -> None:
    publisher, messages = given()
    outbox = Outbox([row(1), row(2, "user.added.v1")])
    publisher.answers = [Returned("no queue")]
    sweep = Sweep(messages, outbox, grace=15, page=100)
    assert await sweep.once() == 1
    assert list(outbox.rows) == ["e1"]
    outbox.fails = True
    running = asyncio.create_task(sweep.run(every=0.001))
    await asyncio.sleep(0)
    outbox.fails = False
    await eventually(lambda: not outbox.rows)
    running.cancel()


async def test_replies_to_a_commit_are_on_their_way_before_its_events() -> None:
    publisher, messages = given()
    told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    order: list[str] = []

    async def connection() -> None:  # as a reply goes: the message's task, the reply's, the connection's
        await told
        await asyncio.create_task(asyncio.sleep(0))
        order.append("reply")

    async def publish(*_: Any, **__: Any) -> None:
        order.append("event")

    publisher.publish = publish  # type: ignore[method-assign]
    replying = asyncio.create_task(connection())
    await asyncio.sleep(0)
    relay = Relay(messages, Outbox([row(1)]))
    relay.offer([row(1)])
    told.set_result(None)
    await asyncio.gather(replying, relay.drained())
    assert order == ["reply", "event"]
