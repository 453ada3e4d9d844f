"""`registrar import` into the running services: the sample companies, and a file in which listings share a company."""

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from contracts.client import Client
from contracts.results import Ok
from deploy.local.demo import SAMPLE
from tests.support.eventually import eventually
from tests.support.processes import process

LISTINGS = '''Symbol,Security,CIK
MMM,3M,66740
GOOGL,Alphabet Inc. (Class A),1652044
GOOG,Alphabet Inc. (Class C),1652044
FOXA,Fox Corporation (Class A),1754301
FOX,Fox Corporation (Class B),1754301
NWSA,News Corp (Class A),1564708
NWS,News Corp (Class B),1564708
BF.B,"Brown-Förman, ""B""",14693
'''

Registrar = Callable[..., Awaitable[tuple[int, list[Any]]]]


@pytest.fixture
def registrar(environment: Mapping[str, str]) -> Registrar:
    """Runs the program; returns its exit code and the JSON lines that it wrote."""

    async def run(*arguments: str) -> tuple[int, list[Any]]:
        program = Path(sys.executable).parent / "registrar"
        pipe = asyncio.subprocess.PIPE
        started = await asyncio.create_subprocess_exec(
            program, *arguments, "--json", env={**os.environ, **environment}, stdout=pipe
        )
        out, _ = await started.communicate()
        assert started.returncode is not None
        return started.returncode, [json.loads(line) for line in out.splitlines()]

    return run


@pytest_asyncio.fixture
async def services(environment: Mapping[str, str]) -> AsyncIterator[None]:
    """One write service and one read service."""
    await asyncio.gather(*(set_up(program, environment) for program in ("write-service", "read-service")))
    async with (
        process("write-service", "serve", environment=environment) as writing,
        process("read-service", "serve", environment=environment) as reading,
    ):
        await asyncio.gather(writing.ready(), reading.ready())
        yield


async def set_up(program: str, environment: Mapping[str, str]) -> None:
    async with process(program, "setup", environment=environment) as setup:
        assert await setup.end() == 0, setup.last_words()


async def totals(client: Client) -> dict[str, int]:
    answer = await client.ask("statistics.get")
    assert isinstance(answer, Ok), answer
    found: dict[str, int] = answer.result.totals.model_dump()
    return found


@pytest.mark.e2e
async def test_the_sample_is_imported_becomes_visible_and_is_not_done_twice(
    services: None, environment: Mapping[str, str], registrar: Registrar
) -> None:
    companies = [json.loads(line) for line in SAMPLE.read_text().splitlines()]
    expected = {"companies": len(companies), "users": sum(len(company["users"]) for company in companies)}

    first, rows = await registrar("import", str(SAMPLE))
    assert first == 0
    assert [(row["company_id"], row["status"]) for row in rows] == [(one["id"], "accepted") for one in companies]
    async with Client(environment["REGISTRAR_AMQP_URL"]) as client:
        await eventually(lambda: totals(client), until=lambda seen: seen == expected)

    second, again = await registrar("import", str(SAMPLE))
    assert second == 0
    assert all(command["repeated"] for row in again for command in row["commands"])
    assert [versions(row) for row in again] == [versions(row) for row in rows]

    code, [dashboard] = await registrar("ask", "company.dashboard", "--company-id", companies[0]["id"])
    assert code == 0
    assert dashboard["result"]["company"]["name"] == companies[0]["company"]
    assert sum(dashboard["result"]["users"].values()) == len(companies[0]["users"])


def versions(row: dict[str, Any]) -> list[int]:
    return [command["version"] for command in row["commands"]]


@pytest.mark.e2e
async def test_listings_of_one_company_are_rejected_and_stay_so(
    services: None, registrar: Registrar, tmp_path: Path
) -> None:
    path = tmp_path / "listings.csv"
    path.write_text(LISTINGS)

    first, rows = await registrar("import", str(path))
    second, again = await registrar("import", str(path))

    assert first == 1
    assert [(row["name"], row["code"]) for row in rows if row["status"] != "accepted"] == [
        ("Alphabet Inc. (Class C)", "company_already_exists"),
        ("Fox Corporation (Class B)", "company_already_exists"),
        ("News Corp (Class B)", "company_already_exists"),
    ]
    assert Counter(row["status"] for row in rows) == {"accepted": 5, "rejected": 3}
    assert second == 0
    assert [(row["status"], row["repeated"]) for row in again] == [(row["status"], True) for row in rows]
    page = await visible(registrar, 5)
    assert {company["version"] for company in page} == {1}
    assert 'Brown-Förman, "B"' in [company["name"] for company in page]


async def visible(registrar: Registrar, count: int) -> list[Any]:
    async def page() -> list[Any]:
        code, [answer] = await registrar("ask", "company.list", "--limit", "200")
        assert code == 0, answer
        found: list[Any] = answer["result"]["items"]
        return found

    return await eventually(page, until=lambda seen: len(seen) == count)
