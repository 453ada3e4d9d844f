"""The client while its connection is cut, frozen or refused: calls in flight end well, or say that they did not."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import aio_pika
import pytest
import pytest_asyncio

from contracts import topology
from contracts.calls import Calls
from contracts.client import Client
from contracts.commands import RegisterCompany
from contracts.failures import TimedOut, Unreachable, Unroutable
from contracts.making import command
from contracts.replies import Accepted
from tests.integration.client.responder import Responder
from tests.support.eventually import eventually
from tests.support.proxy import Proxy, proxy_to


@pytest_asyncio.fixture
async def proxy(vhost: str) -> AsyncIterator[Proxy]:
    port = urlsplit(vhost).port
    assert port is not None
    async with proxy_to(port) as made:
        yield made


@pytest.fixture
def detour(vhost: str, proxy: Proxy) -> str:
    """The broker's address by way of the proxy."""
    return vhost.replace(f":{urlsplit(vhost).port}", f":{proxy.port}")


@pytest_asyncio.fixture
async def distant(detour: str) -> AsyncIterator[Client]:
    """A client behind a proxy."""
    async with Client(detour) as made:
        yield made


def registrations(count: int) -> list[RegisterCompany]:
    return [command(RegisterCompany, uuid.uuid4(), name=f"Company {number}") for number in range(count)]


async def test_calls_in_flight_when_the_line_is_cut_are_sent_again_and_have_one_effect(
    distant: Client, proxy: Proxy, responder: Responder
) -> None:
    responder.answering.clear()
    asked = registrations(50)
    calls = [asyncio.create_task(distant.send(one, timeout=20)) for one in asked]
    await eventually(lambda: len(responder.messages), until=lambda heard: heard == 50)

    proxy.cut()
    await eventually(lambda: len(responder.messages), until=lambda heard: heard == 100)
    responder.answering.set()

    found = await asyncio.gather(*calls)
    assert [(reply.command_id, reply.status) for reply in found] == [(one.id, "accepted") for one in asked]
    assert set(responder.versions.values()) == {1}
    assert proxy.accepted == 2


async def test_many_commands_survive_cuts(distant: Client, proxy: Proxy, responder: Responder) -> None:
    asked = registrations(3_000)
    cuts = iter((200, 1_500))
    upcoming = next(cuts)

    def progress(first: int, _: object) -> None:
        nonlocal upcoming
        if first >= upcoming:
            upcoming = next(cuts, len(asked))
            proxy.cut()

    found = await distant.send_many(asked, timeout=20, progress=progress)

    assert [(reply.command_id, reply.status) for reply in found] == [(one.id, "accepted") for one in asked]
    assert set(responder.versions.values()) == {1}
    assert proxy.accepted >= 2


async def test_a_command_waits_for_a_broker_that_comes_back(
    distant: Client, proxy: Proxy, responder: Responder
) -> None:
    proxy.refuse()
    proxy.cut()
    asked = registrations(1)[0]
    call = asyncio.create_task(distant.send(asked, timeout=20))
    with pytest.raises(TimedOut, match="No reply to"):
        await distant.send(registrations(1)[0], timeout=0.3)

    proxy.refuse(refusing=False)

    assert isinstance(await call, Accepted)


async def test_a_frozen_line_ends_in_a_timeout(distant: Client, proxy: Proxy, responder: Responder) -> None:
    proxy.freeze()

    with pytest.raises(TimedOut, match="did not confirm"):
        await distant.publish(registrations(1)[0], timeout=0.3)
    proxy.thaw()


async def test_the_first_failure_of_many_is_raised_as_it_is(
    distant: Client, proxy: Proxy, responder: Responder
) -> None:
    responder.answering.clear()

    with pytest.raises(TimedOut):
        await distant.send_many(registrations(300), timeout=0.3)


async def test_a_channel_that_the_broker_closed_leaves_no_connection_behind(
    distant: Client, proxy: Proxy, responder: Responder, vhost: str
) -> None:
    async with await aio_pika.connect(vhost, timeout=10) as connection:
        await (await connection.channel()).exchange_delete(topology.QUERIES)
    for _ in range(3):
        with pytest.raises(Unroutable):
            await distant.ask("statistics.get")

    assert isinstance(await distant.send(registrations(1)[0]), Accepted)

    assert proxy.accepted == 4
    await eventually(lambda: len(proxy._open), until=lambda ends: ends == 2)


async def test_a_closed_client_connects_no_more(distant: Client, proxy: Proxy, responder: Responder) -> None:
    async with distant:
        pass

    with pytest.raises(Unreachable, match="closed"):
        await distant.send(registrations(1)[0], timeout=5)


async def test_a_client_that_is_closed_while_it_connects_leaves_no_connection_behind(detour: str, proxy: Proxy) -> None:
    calls = Calls(detour, name="test")
    proxy.freeze()
    connecting = asyncio.create_task(calls.connect())
    await eventually(lambda: len(proxy._open), until=lambda ends: ends == 2)
    await calls.close()
    proxy.thaw()

    with pytest.raises(Unreachable, match="closed"):
        await connecting
    await eventually(lambda: len(proxy._open), until=lambda ends: ends == 0)


async def test_a_client_that_is_closed_while_it_connects_again_leaves_no_connection_behind(
    distant: Client, proxy: Proxy, responder: Responder
) -> None:
    responder.answering.clear()
    asked = asyncio.create_task(distant.send(registrations(1)[0], timeout=20))
    await eventually(lambda: len(responder.messages), until=lambda heard: heard == 1)
    proxy.freeze()
    proxy.cut()
    await eventually(lambda: (proxy.accepted, len(proxy._open)), until=lambda seen: seen == (2, 2))
    await distant._calls.close()
    proxy.thaw()

    with pytest.raises(Unreachable, match="closed"):
        await asked
    await eventually(lambda: len(proxy._open), until=lambda ends: ends == 0)
