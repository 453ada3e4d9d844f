"""The write service while a server is away: it says so, loses nothing, and needs no restart."""

import asyncio
import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import aio_pika
import pytest

from contracts.topology import WRITE_COMMANDS
from tests.e2e.write_side import QUICK, bus, command, count, rows
from tests.support.eventually import eventually
from tests.support.processes import Process, ready
from tests.support.proxy import Proxy, proxy_to

pytestmark = pytest.mark.e2e


@contextlib.asynccontextmanager
async def through_a_proxy(environment: dict[str, str], variable: str) -> AsyncIterator[tuple[Proxy, dict[str, str]]]:
    """The settings of a service that reaches one server through a proxy."""
    port = urlsplit(environment[variable]).port or 0
    async with proxy_to(port) as proxy:
        there = environment[variable].replace(f":{port}/", f":{proxy.port}/")
        yield proxy, environment | QUICK | {variable: there}


async def checks(service: Process) -> dict[str, Any]:
    """What the service says about its readiness."""

    def asked() -> dict[str, Any]:
        try:
            with urllib.request.urlopen(f"{service.url}/health/ready", timeout=4) as answer:  # noqa: S310 - our own
                found: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as refusal:
            found = json.load(refusal)
        return found

    said = await asyncio.to_thread(asked)
    return {"status": said["status"], **said["checks"]}


async def test_without_postgres_commands_wait_and_it_says_so(environment: dict[str, str]) -> None:
    variable = "REGISTRAR_POSTGRES_URL"
    async with (
        through_a_proxy(environment, variable) as (proxy, settings),
        bus(environment) as client,
        ready("write-service", environment=settings) as service,
    ):
        await client.ask(command())
        proxy.refuse()
        proxy.cut()
        asking = asyncio.gather(*(client.ask(command()) for _ in range(20)))
        bad = asyncio.create_task(client.ask(b"{"))
        said = await eventually(lambda: checks(service), until=lambda said: said["status"] == "not_ready")
        assert said["postgres"] != "ok"
        assert (said["commands"], said["publishing"]) == ("ok", "ok")
        assert not asking.done()
        assert not bad.done()  # not before it is in custody
        proxy.refuse(refusing=False)
        assert {reply["status"] for reply in await asking} == {"accepted"}
        assert not any(reply.get("repeated") for reply in await asking)
        assert (await bad)["status"] == "invalid"
        await eventually(lambda: checks(service), until=lambda said: said["status"] == "ready")
        assert await service.stop() == 0
    assert (await count(environment, "events"), await count(environment, "parked")) == (21, 1)


async def test_without_the_broker_it_says_so_and_comes_back_by_itself(environment: dict[str, str]) -> None:
    async with (
        through_a_proxy(environment, "REGISTRAR_AMQP_URL") as (proxy, settings),
        bus(environment) as client,
        ready("write-service", environment=settings) as service,
    ):
        await client.ask(command())
        proxy.refuse()
        proxy.cut()
        for part in ("commands", "dead_letters", "operations", "publishing"):
            said = await eventually(lambda: checks(service), until=lambda said, part=part: said[part] != "ok")  # type: ignore[misc]
            assert (said["status"], said["postgres"]) == ("not_ready", "ok")
        for _ in range(20):
            await client.send(command())
        proxy.refuse(refusing=False)
        await eventually(lambda: count(environment, "events"), until=lambda found: found == 21)
        await eventually(lambda: checks(service), until=lambda said: said["status"] == "ready")
        await eventually(lambda: count(environment, "outbox"), until=lambda found: found == 0)
        assert len({event["commandid"] for event in await client.events()}) == 21
        assert await service.stop() == 0


async def test_what_the_broker_gave_up_on_rests_in_our_custody(environment: dict[str, str]) -> None:
    async with bus(environment) as client:
        one = command()
        asking = asyncio.create_task(client.ask(one))
        async with await aio_pika.connect(environment["REGISTRAR_AMQP_URL"]) as connection:
            queue = await (await connection.channel()).get_queue(WRITE_COMMANDS.name, ensure=False)
            message = await eventually(lambda: queue.get(fail=False))
            assert message is not None
            await message.reject(requeue=False)
        async with ready("write-service", environment=environment) as service:
            reply = await asking
            assert (reply["status"], reply["command_id"]) == ("parked", one["id"])
            assert reply["reason"] == "the broker gave up on it: rejected in write_service.commands"
            assert await service.stop() == 0
    parked = await rows(environment, "SELECT kind, exchange, routing_key, command_id FROM parked")
    assert parked == [("dead_letter", "commands", "company.register.v1", one["id"])]
