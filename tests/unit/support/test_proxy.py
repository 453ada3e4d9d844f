"""The proxy of fault tests passes on, cuts, freezes and refuses."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.proxy import Proxy, proxy_to


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(100):
        writer.write(data)
    writer.close()


@pytest_asyncio.fixture
async def proxy() -> AsyncIterator[Proxy]:
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    async with proxy_to(server.sockets[0].getsockname()[1]) as made:
        yield made
    server.close()


async def _said_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, word: bytes) -> bytes:
    writer.write(word)
    async with asyncio.timeout(5):
        return await reader.read(100)


async def test_passes_on_in_both_directions(proxy: Proxy) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    assert await _said_back(reader, writer, b"hello") == b"hello"
    writer.close()


async def test_cuts_what_is_open_and_takes_new_connections(proxy: Proxy) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    assert await _said_back(reader, writer, b"hello") == b"hello"
    proxy.cut()
    with pytest.raises(ConnectionError):
        await _said_back(reader, writer, b"anybody there?")
    assert await _said_back(*await asyncio.open_connection("127.0.0.1", proxy.port), b"again") == b"again"
    assert proxy.accepted == 2


async def test_holds_back_what_is_said_while_it_is_frozen(proxy: Proxy) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    proxy.freeze()
    writer.write(b"late")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(100), timeout=0.2)
    proxy.thaw()
    assert await _said_back(reader, writer, b"") == b"late"
    writer.close()


async def test_refuses_new_connections_when_told_to(proxy: Proxy) -> None:
    proxy.refuse()
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        answer = await _said_back(reader, writer, b"hello")
    except ConnectionError:
        answer = b""
    assert (answer, proxy.accepted) == (b"", 0)
