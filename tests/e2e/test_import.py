"""`registrar import` into the running services: the sample companies, and a file in which listings share a company."""

import asyncio
import csv
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from contracts.client import Client
from contracts.results import Ok
from deploy.local.demo import SAMPLE
from deploy.local.stack import CHECKOUT
from tests.e2e.conftest import Whole
from tests.support.eventually import eventually

STAND_IN = '''Symbol,Security,CIK
TPN,Tenpenny,9000066740
ALFA,Alfabet Inc. (Class A),9001652044
ALFC,Alfabet Inc. (Class C),9001652044
VIXA,Vixen Corporation (Class A),9001754301
VIX,Vixen Corporation (Class B),9001754301
OLDA,Old Corp (Class A),9001564708
OLD,Old Corp (Class B),9001564708
GF.B,"Grün-Förman, ""B""",9000014693
'''


def files() -> list[Path]:
    """Lists of companies that may lie beside the checkout."""
    found = (folder / "shared" / "data" / "sp500.csv" for folder in CHECKOUT.parents)
    return [path for path in found if path.exists()][:1]


pytestmark = pytest.mark.e2e

REPLICAS = 2, 1  # writers, readers

Registrar = Callable[..., Awaitable[tuple[int, list[Any]]]]


@pytest.fixture
def registrar(whole: Whole) -> Registrar:
    """Runs the program; returns its exit code and the JSON lines that it wrote."""

    async def run(*arguments: str) -> tuple[int, list[Any]]:
        program = Path(sys.executable).parent / "registrar"
        pipe = asyncio.subprocess.PIPE
        started = await asyncio.create_subprocess_exec(
            program, *arguments, "--json", env={**os.environ, **whole.environment}, stdout=pipe
        )
        out, _ = await started.communicate()
        assert started.returncode is not None
        return started.returncode, [json.loads(line) for line in out.splitlines()]

    return run


@pytest_asyncio.fixture
async def client(whole: Whole) -> AsyncIterator[Client]:
    async with Client(whole.amqp_url) as made:
        yield made


async def totals(client: Client) -> dict[str, int]:
    answer = await client.ask("statistics.get")
    assert isinstance(answer, Ok), answer
    found: dict[str, int] = answer.result.totals.model_dump()
    return found


async def test_the_sample_is_imported_becomes_visible_and_is_not_done_twice(
    client: Client, registrar: Registrar
) -> None:
    companies = [json.loads(line) for line in SAMPLE.read_text().splitlines()]
    before, users = await totals(client), sum(len(company["users"]) for company in companies)
    expected = {"companies": before["companies"] + len(companies), "users": before["users"] + users}

    first, rows = await registrar("import", str(SAMPLE))
    assert first == 0
    assert [(row["company_id"], row["status"]) for row in rows] == [(one["id"], "accepted") for one in companies]
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


@pytest.mark.parametrize("listings", [STAND_IN, *(path.read_text() for path in files())], ids=len)
async def test_listings_of_one_company_are_rejected_and_stay_so(
    client: Client, registrar: Registrar, tmp_path: Path, listings: str
) -> None:
    path = tmp_path / "listings.csv"
    path.write_text(listings)
    written = list(csv.DictReader(listings.splitlines()))
    others = [row for number, row in enumerate(written) if row["CIK"] in {one["CIK"] for one in written[:number]}]
    before = await totals(client)

    first, rows = await registrar("import", str(path))
    second, again = await registrar("import", str(path))

    assert (first, second) == (1, 0)
    assert [row["name"] for row in rows] == [row["Security"] for row in written]
    assert [(row["name"], row["code"]) for row in rows if row["status"] != "accepted"] == [
        (row["Security"], "company_already_exists") for row in others
    ]
    assert [(row["status"], row["repeated"]) for row in again] == [(row["status"], True) for row in rows]
    accepted = [row for row in rows if row["status"] == "accepted"]
    found = await asyncio.gather(*(seen(client, row) for row in accepted))
    assert found == [(row["name"], 1) for row in accepted]
    assert (await totals(client))["companies"] - before["companies"] == len(written) - len(others) == len(accepted)


async def seen(client: Client, row: dict[str, Any]) -> tuple[str, int]:
    """Name and version of a row's company, as a reader sees it who waits for it."""
    token = row["commands"][0]["token"]
    answer = await client.ask("company.get", company_id=row["company_id"], after=token, wait_ms=10_000)
    assert isinstance(answer, Ok), answer
    return answer.result.name, answer.result.version
