"""One connection with one channel and one consumer on it: lost as a whole when any of the three is lost."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, cast

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from contracts.acknowledging import AckWindow
from contracts.delivery import Delivery, read_whatever_comes
from contracts.publisher import heartbeat

QUIET = 0.05  # seconds without a message
LONGEST_WAIT = 1.0  # for quiet, where messages trickle in

Arrived = Callable[["Session", AbstractIncomingMessage], None]


class Session:
    """A consumer, its acknowledgements, and whether it is lost."""

    def __init__(self, connection: AbstractConnection, channel: Any, prefetch: int, timeout: float) -> None:
        self.lost = asyncio.Event()
        # Well below the prefetch: with all others finished behind one that is stuck, the broker would send no more.
        self.window = AckWindow(self._acknowledge, most_behind=prefetch // 4)
        self._connection = connection
        self._channel = channel
        self._prefetch = prefetch
        self._last = 0  # the tag of the latest message
        self._timeout = timeout
        self._tag: str | None = None
        channel.closing.add_done_callback(lambda _: self.lost.set())
        channel.on_consumer_cancel_callbacks.add(lambda _: self.lost.set())  # its queue was deleted, or has moved

    @property
    def is_consuming(self) -> bool:
        """Whether messages come."""
        return self._tag is not None and not self.lost.is_set()

    async def consume(self, queue: str, arrived: Arrived) -> None:
        """Let messages come. Raises AMQPError where there is no such queue."""

        async def take(delivered: Any) -> None:
            # In a task that is cancelled when the connection is lost: what it did itself would be, a commit too.
            self._last = delivered.delivery.delivery_tag
            arrived(self, cast("AbstractIncomingMessage", Delivery(delivered)))

        consuming = await self._channel.basic_consume(queue, take, timeout=self._timeout)
        self._tag = consuming.consumer_tag

    async def cancel(self) -> None:
        """Let no more messages come; after this the last of them has arrived. Raises AMQPError or TimeoutError."""
        if self._tag is not None:
            tag, self._tag = self._tag, None
            # A quorum queue keeps what it sent while it was cancelling, and gives it back when the channel closes. So
            # nothing is acknowledged until it has no more to send: the prefetch is full, or the queue is empty.
            self.window.hold()
            try:
                await self._nothing_on_its_way()
                await self._channel.basic_cancel(tag, timeout=self._timeout)
            finally:
                self.window.release()

    async def _nothing_on_its_way(self) -> None:
        end = time.monotonic() + LONGEST_WAIT
        while self._last - self.window.settled_tags < self._prefetch and time.monotonic() < end:
            last = self._last
            await asyncio.sleep(QUIET)
            if self._last == last:
                return

    async def give_back(self, tag: int) -> None:
        """The broker may deliver this one again, here or elsewhere. Raises what says that the channel is gone."""
        # In this order: an acknowledgement of all up to a later one would take it from the queue for good.
        await self._channel.basic_nack(tag, requeue=True)
        self.window.settled(tag)

    async def close(self) -> None:
        """Hang up. What is not acknowledged is delivered again."""
        try:
            async with asyncio.timeout(self._timeout):
                await self._connection.close()
        except Exception:  # noqa: BLE001,S110 - it is gone, or not worth waiting for
            pass

    async def _acknowledge(self, tag: int, multiple: bool) -> None:  # noqa: FBT001 - AMQP's own word order
        await self._channel.basic_ack(tag, multiple=multiple)


async def open_session(url: str, *, prefetch: int, name: str, timeout: float) -> Session:  # noqa: ASYNC109
    """Connect, without consuming yet. Raises AMQPError or OSError."""
    read_whatever_comes()
    connection = await aio_pika.connect(
        url, timeout=timeout, client_properties={"connection_name": name}, **heartbeat(url)
    )
    try:
        channel = await (await connection.channel(publisher_confirms=False)).get_underlay_channel()
        await channel.basic_qos(prefetch_count=prefetch, timeout=timeout)
    except BaseException:
        await connection.close()
        raise
    return Session(connection, channel, prefetch, timeout)
