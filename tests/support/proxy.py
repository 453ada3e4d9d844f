"""A TCP proxy on loopback whose connections a test can cut, freeze and refuse: the network as it is on a bad day."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

_CHUNK = 65_536


class Proxy:
    """Passes bytes on to a port of this machine until it is told otherwise."""

    def __init__(self, port: int) -> None:
        self._there = port
        self._server: asyncio.Server | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._refusing = False
        self.word = b""  # who says this to the server freezes the proxy, and is the first to wait
        self.port = 0
        self.accepted = 0

    async def start(self) -> None:
        """Listen on a port of its own."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Reset every connection that is open, without a farewell."""
        for writer in self._open:
            writer.transport.abort()

    def freeze(self) -> None:
        """Pass nothing on any more; connections stay open, new ones too: what a lost route looks like."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Pass on again, what was held back first."""
        self._flowing.set()

    def refuse(self, *, refusing: bool = True) -> None:
        """Reset new connections at once, as a server that is away does."""
        self._refusing = refusing

    async def close(self) -> None:
        """Cut everything and stop listening."""
        self.cut()
        for task in self._tasks:
            task.cancel()
        if self._server is not None:
            self._server.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self._refusing:
            writer.transport.abort()
            return
        self.accepted += 1
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self._pass_on(reader, writer)
        writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._there)
        self._open |= {writer, back}
        ways = [
            asyncio.create_task(self._pump(reader, back, listens=True)),
            asyncio.create_task(self._pump(there, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._open -= {writer, back}
            back.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, listens: bool = False) -> None:
        while data := await source.read(_CHUNK):
            if listens and self.word and self.word in data:
                self.word = b""
                self.freeze()
            await self._flowing.wait()
            sink.write(data)
            await sink.drain()


@contextlib.asynccontextmanager
async def proxy_to(port: int) -> AsyncIterator[Proxy]:
    """A proxy for a port of this machine, closed after the block."""
    proxy = Proxy(port)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.close()
