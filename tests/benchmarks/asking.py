"""Clients that ask and wait: over HTTP on a connection that stays open, and over the bus with a reply queue."""

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from tests.benchmarks.stores import Wrong

_REPLY_TO = "amq.rabbitmq.reply-to"
_SECONDS = 30


class Http:
    """One connection; one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def get(self, path: str) -> bytes:
        """The body of an answer of status 200. Raises Wrong for another status."""
        self._writer.write(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode())
        head = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), _SECONDS)
        lines = head.lower().split(b"\r\n")
        length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        body = await self._reader.readexactly(length)
        if b" 200" not in lines[0]:
            raise Wrong(f"{path}: {lines[0].decode()}, {body[:200].decode()}")
        return body


@contextlib.asynccontextmanager
async def http(url: str) -> AsyncIterator[Http]:
    """A connection to this server."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        yield Http(reader, writer)
    finally:
        writer.close()


class Bus:
    """Requests over one channel, told apart by their correlation id."""

    def __init__(self, channel: AbstractChannel) -> None:
        self._channel = channel
        self._waiting: dict[str, asyncio.Future[bytes]] = {}
        self._numbers = itertools.count()

    async def request(self, exchange: str, message: aio_pika.Message, key: str) -> bytes:
        """The body of the reply to this message."""
        message.correlation_id = message.message_id = f"ask-{next(self._numbers)}"
        message.reply_to = _REPLY_TO
        reply = self._waiting[message.correlation_id] = asyncio.get_running_loop().create_future()
        to = await self._channel.get_exchange(exchange, ensure=False)
        await to.publish(message, key)
        return await asyncio.wait_for(reply, _SECONDS)

    async def ask(self, query: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """The reply to a query. Raises Wrong unless its status is ok."""
        body = json.dumps(parameters).encode()
        reply: dict[str, Any] = json.loads(
            await self.request("queries", aio_pika.Message(body, content_type="application/json", type=query), query)
        )
        if reply["status"] != "ok":
            raise Wrong(f"{query} {parameters}: {reply}")
        return reply

    async def hear(self, message: AbstractIncomingMessage) -> None:
        """Take a reply."""
        if (waiting := self._waiting.pop(message.correlation_id or "", None)) and not waiting.done():
            waiting.set_result(message.body)


@contextlib.asynccontextmanager
async def bus(url: str) -> AsyncIterator[Bus]:
    """A channel of its own on this broker, ready to hear replies."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        client = Bus(channel)
        await (await channel.get_queue(_REPLY_TO, ensure=False)).consume(client.hear, no_ack=True)
        yield client


async def timed(url: str, paths: Iterable[str], in_flight: int, right: Callable[[str, bytes], bool]) -> list[float]:
    """The seconds that each of these requests took, so many in flight at once.

    `right` tells whether a path has the right answer. Raises Wrong for another one.
    """
    remaining, took = iter(paths), list[float]()
    await asyncio.gather(*(_some(url, remaining, took, right) for _ in range(in_flight)))
    return took


async def _some(url: str, remaining: Iterator[str], took: list[float], right: Callable[[str, bytes], bool]) -> None:
    async with http(url) as connection:
        for path in remaining:
            began = time.monotonic()
            body = await connection.get(path)
            took.append(time.monotonic() - began)
            if not right(path, body):
                raise Wrong(f"{path}: {body[:200].decode()}")


def percentiles(name: str, seconds: Iterable[float], shares: Iterable[float] = (50, 99)) -> dict[str, float]:
    """Figures in milliseconds: the p50 and p99 of these durations, or other shares."""
    ordered = sorted(seconds)
    return {
        f"{name} p{share:g} ms": 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share / 100))]
        for share in shares
    }
