"""A TCP proxy that holds a server's answers back until the client has said something."""

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Holding:
    """While `word` is set, no answer passes; it is unset once a client has said it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._said = asyncio.Condition()
        self.word = b""

    async def let_go(self) -> None:
        """Pass on what was held back, and what comes after it."""
        async with self._said:
            self.word = b""
            self._said.notify_all()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what both sides say until one hangs up."""
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        ways = [asyncio.create_task(self._up(reader, back)), asyncio.create_task(self._down(there, writer))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        back.close()
        writer.close()

    async def _up(self, client: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
        while data := await client.read(65_536):
            server.write(data)
            if self.word and self.word in data:
                await self.let_go()

    async def _down(self, server: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        while data := await server.read(65_536):
            async with self._said:
                await self._said.wait_for(lambda: not self.word)
            client.write(data)


@contextlib.asynccontextmanager
async def holding_proxy(port: int) -> AsyncIterator[tuple[Holding, int]]:
    """A proxy for a port on loopback, and the port that it listens on."""
    holding = Holding(port)
    listening = await asyncio.start_server(holding.serve, "127.0.0.1", 0)
    try:
        yield holding, listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
