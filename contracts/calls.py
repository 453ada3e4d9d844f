"""Any number of calls in flight over one line; when it breaks it is replaced, and what is in flight is sent again."""

# ruff: noqa: ASYNC109 - the timeouts end in errors of our own

import asyncio
import contextlib
import uuid

import aio_pika
from aio_pika.exceptions import AMQPError, ProbableAuthenticationError

from contracts.failures import TimedOut, Unreachable
from contracts.line import REPLY_TO, Line, Lost

_CONNECT_SECONDS = 10
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
_REFUSED_PAUSE = 0.5
# Unconfirmed for so long: the connection may hang without being closed, so another one is tried.
_CONFIRM_SECONDS = 15


class Calls:
    """Publishes with confirms, and matches replies to calls by their correlation ids; others are dropped."""

    def __init__(self, url: str, *, name: str) -> None:
        self._url = url
        self._name = name
        self._line: Line | None = None
        self._connecting = asyncio.Lock()
        self._waiting: dict[str, asyncio.Future[bytes]] = {}
        self._trouble = "not connected yet"
        self._closed = False

    async def connect(self) -> None:
        """Connect. Raises Unreachable when there is no broker, or when it does not let us in."""
        try:
            self._line = await self._open()
        except (AMQPError, OSError, TimeoutError, ValueError) as failure:
            raise Unreachable(f"No connection to the broker at {_place(self._url)}: {_reason(failure)}") from failure

    async def close(self) -> None:
        """Close the connection. Calls in flight end with Unreachable."""
        self._closed = True
        if self._line is not None:
            await self._line.close()

    async def publish(self, exchange: str, key: str, message: aio_pika.Message, *, timeout: float) -> None:
        """Returns when the broker has the message. Raises TimedOut, Unroutable or Refused."""
        try:
            async with asyncio.timeout(timeout):
                while True:
                    with contextlib.suppress(Lost):
                        return await self._confirmed(await self._standing(), exchange, key, message)
        except TimeoutError:
            raise TimedOut(
                f"The broker did not confirm '{key}' within {timeout:g} s{self._because()}. It may still have "
                "the message: publishing it again with the same id is safe."
            ) from None

    async def call(
        self, exchange: str, key: str, message: aio_pika.Message, *, timeout: float, patience: float
    ) -> bytes:
        """The body of the reply. Without one for `patience` seconds, or on a new line, the message is sent again.

        Raises TimedOut, Unroutable or Refused.
        """
        message.correlation_id, message.reply_to = uuid.uuid4().hex, REPLY_TO
        reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[message.correlation_id] = reply
        try:
            async with asyncio.timeout(timeout):
                while not reply.done():
                    await self._attempt(exchange, key, message, reply, patience)
                return reply.result()
        except TimeoutError:
            raise TimedOut(
                f"No reply to '{key}' within {timeout:g} s{self._because()}. It may still be handled: "
                "sending it again with the same id is safe."
            ) from None
        finally:
            del self._waiting[message.correlation_id]

    async def _attempt(
        self, exchange: str, key: str, message: aio_pika.Message, reply: asyncio.Future[bytes], patience: float
    ) -> None:
        line = await self._standing()
        try:
            await self._confirmed(line, exchange, key, message)
        except Lost:
            return
        await asyncio.wait((reply, line.lost), timeout=patience, return_when=asyncio.FIRST_COMPLETED)

    async def _confirmed(self, line: Line, exchange: str, key: str, message: aio_pika.Message) -> None:
        try:
            async with asyncio.timeout(_CONFIRM_SECONDS):
                await line.publish(exchange, key, message)
        except TimeoutError:
            self._trouble = "the broker does not confirm; it may be short of memory or disk"
            await line.close()
            raise Lost(self._trouble) from None
        except Lost as lost:
            self._trouble = str(lost)
            if not line.lost.done():
                await asyncio.sleep(_REFUSED_PAUSE)  # a full queue refuses, and the line stands
            raise

    async def _standing(self) -> Line:
        """A line that stands, as far as is known; waits for as long as there is none."""
        pause = _FIRST_PAUSE
        async with self._connecting:
            while self._line is None or self._line.lost.done():
                if self._closed:
                    raise Unreachable("This client is closed.")
                await self._drop()
                try:
                    self._line = await self._open()
                except (AMQPError, OSError, TimeoutError) as failure:
                    self._trouble = _reason(failure)
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, _LONGEST_PAUSE)
            return self._line

    async def _drop(self) -> None:
        # A channel that the broker closed leaves its connection open.
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    async def _open(self) -> Line:
        line = await Line.open(self._url, name=self._name, hear=self._hear, timeout=_CONNECT_SECONDS)
        if self._closed:  # while the line was being opened, when there was none to close
            await line.close()
            raise Unreachable("This client is closed.")
        self._trouble = ""
        return line

    def _hear(self, correlation_id: str, body: bytes) -> None:
        reply = self._waiting.get(correlation_id)
        if reply is not None and not reply.done():
            reply.set_result(body)

    def _because(self) -> str:
        return f" ({self._trouble})" if self._trouble else ""


def _place(url: str) -> str:
    """The address without user and password."""
    return url.rpartition("@")[2].partition("?")[0]


def _reason(failure: BaseException) -> str:
    if isinstance(failure, ProbableAuthenticationError):
        return "it refuses this user, password or virtual host"
    return str(failure) or type(failure).__name__
