"""A TCP proxy that cuts a connection right after something was said through it, before the answer comes back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Cutting:
    """Cuts `times` connections whose client says `word`, after the server has answered it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.word = b""
        self.times = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what both sides say until one hangs up."""
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        said = asyncio.Event()
        ways = [
            asyncio.create_task(self._up(reader, back, said)),
            asyncio.create_task(self._down(there, writer, said)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        back.close()
        writer.close()

    async def _up(self, client: asyncio.StreamReader, server: asyncio.StreamWriter, said: asyncio.Event) -> None:
        while data := await client.read(65_536):
            if self.times and self.word in data:
                self.times -= 1
                said.set()
            server.write(data)

    async def _down(self, server: asyncio.StreamReader, client: asyncio.StreamWriter, said: asyncio.Event) -> None:
        while data := await server.read(65_536):
            if said.is_set():
                return  # the server has done it; the client will not hear of it
            client.write(data)


@contextlib.asynccontextmanager
async def cutting_proxy(port: int) -> AsyncIterator[tuple[Cutting, int]]:
    """A proxy for a port on loopback, and the port that it listens on."""
    cutting = Cutting(port)
    listening = await asyncio.start_server(cutting.serve, "127.0.0.1", 0)
    try:
        yield cutting, listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
