"""Versions of companies: all of them, and those that changed, without leaving out what commits late."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.operations import HeadsChanged
from tests.integration.write_operations.asking import Asking
from tests.integration.write_service.pipelines import Pipeline, one_transaction
from tests.support.eventually import eventually
from tests.unit.write_service.orders import an_id, register, rename
from write_service.adapters import event_log
from write_service.adapters.reading import GOOD_FOR
from write_service.service_layer.batch import Batch
from write_service.service_layer.wanted import wanted_by

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def all_pages(asker: Asking, since: str | None = None, limit: int = 5_000) -> dict[str, int]:
    """The heads of all pages."""
    found: dict[str, int] = {}
    after = None
    while True:
        answer = await asker.ask(HeadsChanged(since=since, after=after, limit=limit))
        heads = [(head["company_id"], head["version"]) for head in answer["heads"]]
        assert heads == sorted(heads)
        assert len(heads) <= limit
        assert not found.keys() & dict(heads).keys()
        found |= dict(heads)
        after = answer["next"]
        if after is None:
            return found


async def some_companies(replica: Pipeline, number: int) -> dict[str, int]:
    """So many companies at different versions."""
    made: dict[str, int] = {}
    for count in range(1, number + 1):
        company = an_id()
        orders = [register(company, company), *(rename(company, f"{company} {n}") for n in range(count % 4))]
        await replica.handle(*orders)
        made[company] = len(orders)
    return made


@pytest.mark.parametrize("limit", [3, 10, 11, 10_000])
async def test_without_a_time_all_heads_are_told(consumer: None, replica: Pipeline, asker: Asking, limit: int) -> None:
    made = await some_companies(replica, 10)
    assert await all_pages(asker, limit=limit) == made


@pytest.fixture(params=["by recent events", "by walking companies"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "FEW", 20_000 if request.param == "by recent events" else 0)


@pytest.mark.usefixtures("way", "consumer")
@pytest.mark.parametrize("limit", [2, 10_000])
async def test_only_what_changed_is_told(replica: Pipeline, asker: Asking, owner: Owner, limit: int) -> None:
    old, new = await some_companies(replica, 5), await some_companies(replica, 5)
    past = timedelta(days=1), list(old)
    await owner.execute("UPDATE events SET recorded_at = recorded_at - $1::interval WHERE company_id = ANY($2)", *past)
    await owner.execute("UPDATE companies SET updated_at = updated_at - $1::interval WHERE id = ANY($2)", *past)
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    assert await all_pages(asker, since, limit) == new
    changed = next(iter(old))
    await replica.handle(rename(changed, "Umbrella"))
    assert await all_pages(asker, since, limit) == {**new, changed: old[changed] + 1}


@pytest.mark.usefixtures("way", "consumer")
@pytest.mark.parametrize("since", [None, "2000-01-01T00:00:00Z"])
@pytest.mark.parametrize("limit", [1, 2, 10_000])
async def test_companies_with_the_first_and_the_last_id_of_all_are_told(
    replica: Pipeline, asker: Asking, since: str | None, limit: int
) -> None:
    made = await some_companies(replica, 2)
    for digit in "0f":
        extreme = "-".join(digit * length for length in (8, 4, 4, 4, 12))
        await replica.handle(register(extreme, extreme))
        made[extreme] = 1
    assert await all_pages(asker, since, limit) == made


@pytest.mark.parametrize(
    ("since", "everything"),
    [("0001-01-01T00:00:00+14:00", True), ("9999-12-31T23:59:59.999999999-14:00", False)],
)
async def test_the_ends_of_time_are_times(
    consumer: None, replica: Pipeline, asker: Asking, since: str, everything: bool
) -> None:
    made = await some_companies(replica, 2)
    assert await all_pages(asker, since) == (made if everything else {})


@asynccontextmanager
async def still_open(engine: AsyncEngine, company: str) -> AsyncIterator[None]:
    """A transaction that has written the first event of a company, and commits when the block ends."""
    async with one_transaction(engine) as transaction:
        command = register(company, company)
        batch = Batch(await transaction.load(wanted_by([command])))
        await batch.handle([command])
        await transaction.write(batch.changes())
        yield


async def test_who_goes_on_from_as_of_misses_nothing_that_commits_late(
    consumer: None, engine: AsyncEngine, replica: Pipeline, asker: Asking
) -> None:
    late, quick = an_id(), an_id()
    async with still_open(engine, late):
        await replica.handle(register(quick, quick))
        first = await asker.ask(HeadsChanged())
        assert [head["company_id"] for head in first["heads"]] == [quick]
    assert (await all_pages(asker, first["as_of"])).get(late) == 1


async def test_as_of_goes_on_when_nothing_is_open(
    consumer: None, replica: Pipeline, asker: Asking, owner: Owner
) -> None:
    await some_companies(replica, 1)
    now = await owner.fetchval("SELECT clock_timestamp()")
    answer = await asker.ask(HeadsChanged())
    assert datetime.fromisoformat(answer["as_of"]) > now - GOOD_FOR

    async def changed_since() -> dict[str, int]:
        return await all_pages(asker, (await asker.ask(HeadsChanged()))["as_of"])

    assert await eventually(changed_since, until=lambda changed: not changed) == {}


async def test_who_goes_on_from_as_of_under_load_hears_of_every_company(
    consumer: None, replica: Pipeline, asker: Asking
) -> None:
    made = [an_id() for _ in range(400)]

    async def work() -> None:
        for company in made:
            await replica.handle(register(company, company))

    async def follow(since: Any) -> Any:
        answer = await asker.ask(HeadsChanged(since=since, limit=10_000))
        heard.update(head["company_id"] for head in answer["heads"])
        return answer["as_of"]

    heard: set[str] = set()
    since = None
    working = asyncio.create_task(work())
    while not working.done():
        since = await follow(since)
    await working
    await follow(since)
    assert heard == set(made)
