"""`read-service` as the process that people start: setup, serve, queries, and every way to end it."""

import asyncio
import contextlib
import json
import signal
import urllib.request
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pymongo import AsyncMongoClient

from contracts import tokens
from contracts.client import Client
from contracts.results import Failed, NotFound, Ok
from deploy.local import mongo
from deploy.local.stack import Stack
from read_service import bootstrap
from read_service.settings import Settings
from tests.support import fresh
from tests.support.eventually import eventually
from tests.support.processes import Process, process, ready
from tests.support.proxy import proxy_to

pytestmark = pytest.mark.e2e

COMPANY = "0192f3a4-1111-7abc-8def-0123456789ab"
Environment = dict[str, str]


@pytest_asyncio.fixture(scope="module")
async def bare(servers: Stack) -> AsyncIterator[Environment]:
    """The addresses of a broker and a database on which nothing has been set up."""
    async with fresh.vhost(servers) as url, fresh.mongo_database(servers) as database:
        yield {
            "REGISTRAR_AMQP_URL": url,
            "REGISTRAR_MONGO_URL": database.url,
            "REGISTRAR_MONGO_VIEWS_URL": database.views_url,
        }


@pytest_asyncio.fixture(scope="module")
async def environment(bare: Environment) -> Environment:
    """The same after a setup."""
    settings: dict[str, Any] = {name.removeprefix("REGISTRAR_").lower(): value for name, value in bare.items()}
    await bootstrap.set_up(Settings(**settings))
    return bare


async def set_up(environment: Environment) -> str:
    """What `read-service setup` says, after it has ended well."""
    async with process("read-service", "setup", environment=environment) as setup:
        assert await setup.end() == 0, setup.last_words()
        return setup.last_words()


async def ended(program: Process, within: float = 40) -> tuple[int, list[str]]:
    """How it ended, and what it said that is no log line."""
    code = await program.end(within)
    return code, [line.strip() for line in program.last_words().splitlines() if "read-service:" in line]


async def metric(service: Process, line: str) -> bool:
    """Whether /metrics shows this line."""
    return line in await asyncio.to_thread(_read, f"{service.url}/metrics")


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own
        content: bytes = answer.read()
    return content.decode()


async def test_setup_may_be_run_twice_at_the_same_moment_and_again_with_another_retention(bare: Environment) -> None:
    said = await asyncio.gather(set_up(bare), set_up(bare))
    again = await set_up({**bare, "REGISTRAR_OUTCOMES_KEPT": "3600"})

    assert all("generation 1 are ready" in words for words in (*said, again))
    async with AsyncMongoClient[dict[str, Any]](bare["REGISTRAR_MONGO_URL"]) as client:
        indexes = await client.get_default_database()["outcomes.g1"].index_information()
    assert indexes["at_1"]["expireAfterSeconds"] == 3600


async def test_it_serves_queries_over_http_and_over_the_bus_and_stops_when_told(environment: Environment) -> None:

    async with ready("read-service", environment=environment) as service:
        async with Client(environment["REGISTRAR_AMQP_URL"]) as client:
            over_bus = await client.ask("statistics.get.v1")
            missing = await client.ask("company.get.v1", company_id=COMPANY)
        over_http = json.loads(await asyncio.to_thread(_read, f"{service.url}/statistics"))

        assert isinstance(over_bus, Ok)
        assert over_bus.result.model_dump() == over_http
        assert isinstance(missing, NotFound)
        assert await service.stop(within=10) == 0, service.last_words()


async def test_a_hundred_who_wait_are_sent_away_when_it_stops(environment: Environment) -> None:
    token = tokens.encode(COMPANY, 1)
    async with (
        ready("read-service", environment=environment) as service,
        Client(environment["REGISTRAR_AMQP_URL"]) as client,
        httpx.AsyncClient(base_url=service.url, timeout=20, trust_env=False) as http,
    ):
        asked = [
            asyncio.create_task(client.ask("company.get.v1", company_id=COMPANY, after=token, wait_ms=10_000))
            for _ in range(50)
        ]
        requested = [
            asyncio.create_task(http.get(f"/companies/{COMPANY}", params={"after": token, "wait_ms": 10_000}))
            for _ in range(50)
        ]
        await eventually(lambda: metric(service, "registrar_read_waiters 100.0"), every=0.1)

        code = await service.stop(within=8)

        answers, responses = await asyncio.gather(*asked), await asyncio.gather(*requested)
        assert code == 0, service.last_words()
        assert {type(answer) for answer in answers} == {Failed}
        assert {response.status_code for response in responses} == {503}


@pytest.mark.parametrize(
    ("stop_seconds", "numbers"), [("60", [signal.SIGTERM, signal.SIGINT]), ("0.5", [signal.SIGTERM])]
)
async def test_what_hangs_is_ended_by_a_second_signal_or_by_the_time_limit(
    environment: Environment, servers: Stack, stop_seconds: str, numbers: list[signal.Signals]
) -> None:
    port = servers.port(mongo.NAME)
    async with proxy_to(port) as proxy, httpx.AsyncClient(timeout=20, trust_env=False) as http:
        views = environment["REGISTRAR_MONGO_VIEWS_URL"].replace(f":{port}/", f":{proxy.port}/")
        direct = {"REGISTRAR_MONGO_VIEWS_URL": f"{views}&directConnection=true"}
        limited = {**environment, **direct, "REGISTRAR_STOP_SECONDS": stop_seconds}
        async with ready("read-service", environment=limited) as service:
            waiting = f"{service.url}/companies/{COMPANY}?after={tokens.encode(COMPANY, 1)}&wait_ms=10000"
            asked = asyncio.create_task(http.get(waiting))
            await eventually(lambda: metric(service, "registrar_read_waiters 1.0"), every=0.05)
            proxy.freeze()  # the query's last look at the documents takes as long as a read may
            for number in numbers:
                service.send(number)
                await eventually(lambda: "stopping" in service.last_words())

            assert await service.end(within=4) == 1, service.last_words()
            assert "stopped_at_once" in service.last_words()
            with contextlib.suppress(httpx.TransportError):
                await asked


@pytest.mark.parametrize(
    ("wrong", "code", "said"),
    [
        ({"REGISTRAR_HTTP_PORT": "99999"}, 2, "REGISTRAR_HTTP_PORT: Input should be less than or equal to 65535"),
        ({"REGISTRAR_HTTP_HOST": "0.0.0.0"}, 2, "REGISTRAR_HTTP_HOST=0.0.0.0 would answer everybody"),  # noqa: S104
        ({"REGISTRAR_JWT_ISSUER": "https://issuer"}, 2, "REGISTRAR_JWT_ISSUER, REGISTRAR_JWT_AUDIENCE and"),
    ],
)
async def test_settings_that_cannot_be_are_named_in_one_line(
    environment: Environment, wrong: Environment, code: int, said: str
) -> None:
    async with process("read-service", "serve", environment={**environment, **wrong}) as service:
        ended_with, words = await ended(service)

    assert (ended_with, len(words)) == (code, 1)
    assert words[0].startswith(f"read-service: {said}")


async def test_servers_that_refuse_or_are_not_set_up_are_named_in_one_line(environment: Environment) -> None:
    amqp, views = environment["REGISTRAR_AMQP_URL"], environment["REGISTRAR_MONGO_VIEWS_URL"]
    wrong = {"REGISTRAR_AMQP_URL": _other_password(amqp)}, {"REGISTRAR_MONGO_VIEWS_URL": _other_password(views)}
    said = []
    for one in wrong:
        async with process("read-service", "serve", environment={**environment, **one}) as service:
            said.append(await ended(service, within=10))

    assert [(code, len(words)) for code, words in said] == [(1, 1), (1, 1)]
    assert said[0][1][0].startswith("read-service: the broker: ")
    assert said[1][1][0].startswith("read-service: the documents: ")
    assert "wrong" not in str(said)


async def test_an_address_that_is_taken_is_named(environment: Environment) -> None:
    async with ready("read-service", environment=environment) as first:
        second_place = {**environment, "REGISTRAR_HTTP_PORT": str(first.port)}
        async with process("read-service", "serve", environment=second_place) as second:
            code, words = await ended(second)

    assert (code, "Address already in use" in words[0]) == (1, True)


def _other_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    user, _, place = rest.partition("@")
    return f"{scheme}://{user.partition(':')[0]}:wrong@{place}"
