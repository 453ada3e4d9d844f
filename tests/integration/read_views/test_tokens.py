"""Tokens: a query answers from documents that include the command, or says that it does not."""

import asyncio
from typing import Any

import pytest

from contracts import tokens
from contracts.topology import READ_QUERIES
from read_service.metrics import REGISTRY
from tests.integration.read_views import given
from tests.integration.read_views.reader import Document, Reader
from tests.support.eventually import eventually

COMPANY = given.new_id()


def acme(version: int) -> Document:
    """The company at a version."""
    return given.company(f"Acme {version}", _id=COMPANY, version=version)


async def given_version(reader: Reader, version: int, **more: Any) -> None:
    """The documents as the engine leaves them at a version."""
    await reader.given(companies=[acme(version)], positions=[given.position(COMPANY, version, **more)])


async def reach(reader: Reader, version: int) -> None:
    """The documents move on."""
    await reader.put("companies", acme(version))
    await reader.put("positions", given.position(COMPANY, version))


def waiters() -> float | None:
    """How many queries wait, as /metrics shows it."""
    return REGISTRY.get_sample_value("registrar_read_waiters")


async def test_documents_that_are_there_already_are_shown_at_once(reader: Reader) -> None:
    await given_version(reader, 4)

    reply = await reader.bus.ask(
        "company.get.v1", company_id=COMPANY, after=[tokens.encode(COMPANY, version) for version in (2, 4)], wait_ms=0
    )

    assert reply["result"]["version"] == 4


@pytest.mark.parametrize("via", ["bus", "http"])
async def test_a_query_waits_until_the_documents_include_the_command(reader: Reader, via: str) -> None:
    await given_version(reader, 1)
    token = tokens.encode(COMPANY, 3)
    asking = _over_bus(reader, token) if via == "bus" else _over_http(reader, token)
    asked = asyncio.create_task(asking)
    await eventually(lambda: waiters() == 1)

    await reach(reader, 2)
    await reach(reader, 3)

    assert (await asked)["version"] == 3
    assert waiters() == 0


async def test_it_is_stale_when_the_time_is_over_and_says_what_is_there(reader: Reader) -> None:
    await given_version(reader, 2)

    over_bus = await reader.bus.ask("company.get.v1", company_id=COMPANY, after=tokens.encode(COMPANY, 3), wait_ms=50)
    over_http = await reader.get(f"/companies/{COMPANY}", after=tokens.encode(COMPANY, 3), wait_ms=50)

    assert over_bus == {"status": "stale", "version": 2}
    assert (over_http.status_code, over_http.json()["version"]) == (412, 2)


async def test_a_company_that_nobody_has_heard_of_is_stale_at_version_0(reader: Reader) -> None:
    await reader.given()

    reply = await reader.bus.ask("statistics.get.v1", after=tokens.encode(COMPANY, 1), wait_ms=0)

    assert reply == {"status": "stale", "version": 0}


async def test_all_tokens_count_the_one_that_is_missing_decides(reader: Reader) -> None:
    other = given.new_id()
    await reader.given(positions=[given.position(COMPANY, 5), given.position(other, 1)])

    reply = await reader.bus.ask(
        "company.list.v1", after=[tokens.encode(COMPANY, 5), tokens.encode(other, 2)], wait_ms=20
    )

    assert reply == {"status": "stale", "version": 1}


async def test_a_version_that_was_skipped_is_stale_at_once_however_long_one_would_wait(reader: Reader) -> None:
    await given_version(reader, 6, skipped=[4])

    async with asyncio.timeout(3):
        at_it = await reader.bus.ask(
            "company.get.v1", company_id=COMPANY, after=tokens.encode(COMPANY, 4), wait_ms=10_000
        )
        past_it = await reader.bus.ask(
            "company.get.v1", company_id=COMPANY, after=tokens.encode(COMPANY, 6), wait_ms=10_000
        )
    before_it = await reader.bus.ask("company.get.v1", company_id=COMPANY, after=tokens.encode(COMPANY, 3))

    assert at_it == past_it == {"status": "stale", "version": 3}
    assert before_it["status"] == "ok"


async def test_five_hundred_wait_at_once_and_each_sees_its_command(reader: Reader) -> None:
    await given_version(reader, 1)
    token = tokens.encode(COMPANY, 2)
    asking = [_over_bus(reader, token) for _ in range(400)] + [_over_http(reader, token) for _ in range(100)]
    asked = [asyncio.create_task(one) for one in asking]
    await eventually(lambda: waiters() == 500)
    # They were acknowledged before they waited: others are answered meanwhile.
    assert (await reader.bus.ask("statistics.get.v1"))["status"] == "ok"
    queue = await reader.bus.channel.declare_queue(READ_QUERIES.name, passive=True)
    assert queue.declaration_result.message_count == 0

    await reach(reader, 2)

    replies = await asyncio.gather(*asked)
    assert [shown["version"] for shown in replies] == [2] * 500
    await eventually(lambda: waiters() == 0)


async def _over_bus(reader: Reader, token: str) -> Any:
    reply = await reader.bus.ask("company.get.v1", company_id=COMPANY, after=token, wait_ms=10_000)
    assert reply["status"] == "ok", reply
    return reply["result"]


async def _over_http(reader: Reader, token: str) -> Any:
    response = await reader.get(f"/companies/{COMPANY}", after=token, wait_ms=10_000)
    assert response.status_code == 200, response.text
    return response.json()
