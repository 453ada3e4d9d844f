"""Consuming on a real broker: bounded, acknowledged, made anew when it is lost, stopped without giving back."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import aio_pika
import pytest
import pytest_asyncio
from aio_pika.abc import AbstractIncomingMessage, AbstractRobustChannel
from aio_pika.exceptions import ChannelNotFoundEntity
from pamqp import encode

from contracts import intake as module
from contracts.intake import OK, Intake
from tests.support.eventually import eventually
from tests.support.proxy import Proxy, proxy_to

_names = (f"test.intake.{number}" for number in itertools.count())


class Handling:
    """Handles messages when the test lets it: all at once, or one by one."""

    def __init__(self) -> None:
        self.began: list[bytes] = []
        self.again: list[bytes] = []
        self.ended: list[bytes] = []
        self.fails: list[bytes] = []
        self.go = asyncio.Event()

    async def __call__(self, message: AbstractIncomingMessage) -> None:
        (self.again if message.redelivered else self.began).append(message.body)
        await self.go.wait()
        if message.body in self.fails:
            self.fails.remove(message.body)
            raise ValueError("as the test wants it")
        self.ended.append(message.body)


class Queue:
    """A queue of the test's own."""

    def __init__(self, channel: AbstractRobustChannel, name: str) -> None:
        self.channel = channel
        self.name = name

    async def send(self, *bodies: bytes) -> None:
        for body in bodies:
            await self.channel.default_exchange.publish(aio_pika.Message(body), self.name)

    async def declare(self) -> None:
        await self.channel.declare_queue(self.name, durable=True, arguments={"x-queue-type": "quorum"})

    async def waiting(self) -> int:
        """Messages that are ready, with nobody."""
        declared = await self.channel.declare_queue(self.name, passive=True)
        return declared.declaration_result.message_count or 0


@pytest_asyncio.fixture
async def queue(vhost: str) -> AsyncIterator[Queue]:
    async with await aio_pika.connect(vhost) as connection:
        made = Queue(await connection.channel(), next(_names))  # type: ignore[arg-type]
        await made.declare()
        yield made
        await made.channel.queue_delete(made.name)


@pytest_asyncio.fixture
async def proxy(vhost: str) -> AsyncIterator[tuple[Proxy, str]]:
    address = urlsplit(vhost)
    async with proxy_to(address.port or 0) as made:
        yield made, vhost.replace(f":{address.port}", f":{made.port}")


@asynccontextmanager
async def taking(url: str, queue: Queue, handling: Handling, prefetch: int = 10) -> AsyncIterator[Intake]:
    intake = Intake(url, queue.name, handling, prefetch=prefetch, name="test")
    await intake.start()
    try:
        yield intake
    finally:
        await intake.close()


async def test_no_more_than_the_prefetch_is_under_way_and_all_of_it_is_acknowledged(vhost: str, queue: Queue) -> None:
    bodies = [str(number).encode() for number in range(40)]
    await queue.send(*bodies)
    handling = Handling()
    async with taking(vhost, queue, handling) as intake:
        await eventually(lambda: intake.in_flight == 10)
        assert handling.began == bodies[:10]
        handling.go.set()
        await eventually(lambda: len(handling.ended) == 40)
        await intake.drained()
    assert (await queue.waiting(), handling.again) == (0, [])


@pytest.mark.parametrize("prefetch", [500, 20, 2])
async def test_a_stuck_message_does_not_stop_the_queue(vhost: str, queue: Queue, prefetch: int) -> None:
    handled = []
    stuck = asyncio.Event()

    async def handle(message: AbstractIncomingMessage) -> None:
        if message.body == b"stuck":
            await stuck.wait()
        handled.append(message.body)

    intake = Intake(vhost, queue.name, handle, prefetch=prefetch, name="test")
    await intake.start()
    await queue.send(b"stuck", *[b"%d" % number for number in range(800)])
    await eventually(lambda: len(handled) == 800, within=30)
    stuck.set()
    await eventually(lambda: len(handled) == 801)
    await intake.drained()
    assert await intake.is_consuming() == OK
    await intake.close()
    assert await queue.waiting() == 0


async def test_a_pause_takes_nothing_new_and_finishes_what_was_taken(vhost: str, queue: Queue) -> None:
    handling = Handling()
    async with taking(vhost, queue, handling) as intake:
        await queue.send(b"one")
        await eventually(lambda: intake.in_flight == 1)
        await intake.pause()
        assert await intake.is_consuming() == f"{queue.name} is not consumed: paused"
        await queue.send(b"two")
        handling.go.set()
        await intake.drained()
        assert (handling.ended, await queue.waiting()) == ([b"one"], 1)
        await intake.resume()
        await eventually(lambda: handling.ended == [b"one", b"two"])
        assert await intake.is_consuming() == OK
    assert handling.again == []


async def test_a_lost_connection_cancels_no_handler_and_the_message_comes_again(
    proxy: tuple[Proxy, str], queue: Queue
) -> None:
    cutter, url = proxy
    handling = Handling()
    async with taking(url, queue, handling) as intake:
        await queue.send(b"one", b"two")
        await eventually(lambda: intake.in_flight == 2)
        cutter.cut()
        await eventually(lambda: len(handling.again) == 2)
        await queue.send(b"three")  # its tag on the new channel is one that a handler of the old channel holds
        await eventually(lambda: handling.began == [b"one", b"two", b"three"])
        handling.go.set()
        await intake.drained()
        assert sorted(handling.ended) == [b"one", b"one", b"three", b"two", b"two"]
        assert await intake.is_consuming() == OK
    assert await queue.waiting() == 0


async def test_it_says_that_it_is_cut_off_and_comes_back_by_itself(proxy: tuple[Proxy, str], queue: Queue) -> None:
    cutter, url = proxy
    handling = Handling()
    handling.go.set()
    async with taking(url, queue, handling) as intake:
        cutter.refuse()
        cutter.cut()
        said = await eventually(intake.is_consuming, until=lambda word: "Error" in word)
        assert said.startswith(f"{queue.name} is not consumed: ")
        await queue.send(b"one")
        cutter.refuse(refusing=False)
        await eventually(lambda: handling.ended == [b"one"])


async def test_a_pause_holds_through_a_lost_connection(proxy: tuple[Proxy, str], queue: Queue) -> None:
    cutter, url = proxy
    handling = Handling()
    handling.go.set()
    async with taking(url, queue, handling) as intake:
        await intake.pause()
        accepted = cutter.accepted
        cutter.cut()
        await eventually(lambda: cutter.accepted > accepted)
        await queue.send(b"one")
        await intake.resume()
        await eventually(lambda: handling.ended == [b"one"])


async def test_a_queue_that_is_deleted_and_made_again_is_consumed_again(vhost: str, queue: Queue) -> None:
    handling = Handling()
    handling.go.set()
    async with taking(vhost, queue, handling) as intake:
        await queue.channel.queue_delete(queue.name)
        await eventually(intake.is_consuming, until=lambda word: "NOT_FOUND" in word)
        await queue.declare()
        await queue.send(b"one")
        await eventually(lambda: handling.ended == [b"one"])
        assert await intake.is_consuming() == OK


async def test_a_message_that_is_not_handled_comes_again_and_holds_nobody_up(
    vhost: str, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GIVE_BACK_AFTER", 0.05)
    handling = Handling()
    handling.go.set()
    handling.fails = [b"bad", b"bad"]
    async with taking(vhost, queue, handling) as intake:
        await queue.send(b"one", b"bad", b"two")
        await eventually(lambda: sorted(handling.ended) == [b"bad", b"one", b"two"])
        await intake.drained()
        assert handling.again == [b"bad", b"bad"]
    assert await queue.waiting() == 0


async def test_without_its_queue_it_does_not_start(vhost: str) -> None:
    intake = Intake(vhost, "test.no_such_queue", Handling(), prefetch=1, name="test")
    with pytest.raises(ChannelNotFoundEntity):
        await intake.start()
    await intake.close()


ODD: dict[str, tuple[str, dict[str, Any], bytes]] = {
    "a time in nanoseconds": ("timestamp", {"timestamp": datetime(2026, 1, 1, tzinfo=UTC)}, b"\x17" * 8),
    "a text that is not UTF-8": ("shortstr", {"content_type": "words"}, b"\x02\xff\xfe"),
    "a header whose name is not UTF-8": ("table", {"headers": {"a": None}}, b"\x00\x00\x00\x03\x01\xffV"),
}


@pytest.mark.parametrize("case", ODD)
async def test_a_message_with_odd_properties_is_handled_like_any_other(
    vhost: str, queue: Queue, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    kind, properties, on_the_wire = ODD[case]
    as_it_should_be = encode.METHODS[kind]

    def encoded(value: Any) -> bytes:
        return on_the_wire if value in properties.values() else as_it_should_be(value)

    handling = Handling()
    handling.go.set()
    async with taking(vhost, queue, handling) as intake:
        with monkeypatch.context() as patched:
            patched.setitem(encode.METHODS, kind, encoded)
            message = aio_pika.Message(b"odd", **properties)
            await queue.channel.default_exchange.publish(message, queue.name)
        await queue.send(b"next")
        await eventually(lambda: sorted(handling.ended) == [b"next", b"odd"])
        await intake.drained()
        assert handling.again == []


async def test_a_pause_in_full_flow_gives_no_message_back(vhost: str, queue: Queue) -> None:
    handling = Handling()
    handling.go.set()
    sending = asyncio.create_task(queue.send(*[b"%d" % number for number in range(600)]))
    for turn in range(12):
        async with taking(vhost, queue, handling, prefetch=50) as intake:
            enough = min(600, len(handling.ended) + 30)
            await eventually(lambda: len(handling.ended) >= enough, every=0)  # noqa: B023 - used before the next turn
            await intake.pause()
            await intake.drained()
        assert handling.again == [], turn
    await sending
    async with taking(vhost, queue, handling):
        await eventually(lambda: len(handling.ended) == 600)
    assert handling.again == []


async def test_what_is_past_the_bytes_that_may_be_read_at_once_waits_in_its_order(
    vhost: str, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 100)
    bodies = [b"%40d" % number for number in range(20)]
    await queue.send(*bodies)
    handling = Handling()
    async with taking(vhost, queue, handling) as intake:
        await eventually(lambda: intake.in_flight == 10)
        assert handling.began == bodies[:2]
        handling.go.set()
        await eventually(lambda: len(handling.ended) == 20)
        await intake.drained()
    assert (handling.began, await queue.waiting()) == (bodies, 0)


async def test_what_waits_unread_when_the_connection_is_lost_is_handled_once(
    queue: Queue, proxy: tuple[Proxy, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 100)
    monkeypatch.setattr(module, "RECONNECT_SECONDS", 0.05)
    bodies = [b"%40d" % number for number in range(10)]
    await queue.send(*bodies)
    handling = Handling()
    between, url = proxy
    async with taking(url, queue, handling) as intake:
        await eventually(lambda: intake.in_flight == 10)
        between.cut()
        await eventually(lambda: intake.in_flight == 20)
        handling.go.set()
        await eventually(lambda: intake.in_flight == 0)
    assert sorted(handling.ended) == sorted([*bodies[:2], *bodies])
