"""An attempt that is broken off, at whatever moment, is no death once what is owed was taken back."""

import asyncio
from collections.abc import Sequence
from typing import cast

import pytest
from sqlalchemy import QueuePool
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.integration.write_service.conftest import Owner
from tests.support.eventually import eventually
from tests.unit.write_service.orders import an_id
from write_service.adapters.suspects import PostgresJournal

WAITING = "SELECT count(*) FROM pg_locks WHERE relation = 'suspects'::regclass AND NOT granted"


async def attempted(journal: PostgresJournal, ids: Sequence[str], over: asyncio.Event) -> None:
    """One attempt that lasts until then."""
    async with journal.attempt(ids):
        await over.wait()


async def test_broken_off_while_it_is_taken_back(engine: AsyncEngine, owner: Owner) -> None:
    journal, ids, over = PostgresJournal(engine), [an_id(), an_id()], asyncio.Event()
    attempt = asyncio.create_task(attempted(journal, ids, over))
    await eventually(lambda: owner.fetchval("SELECT count(*) FROM suspects"), until=lambda rows: rows == 2)
    async with owner.transaction():
        await owner.execute("LOCK TABLE suspects IN SHARE MODE")  # they can be locked and not deleted
        over.set()
        await eventually(lambda: owner.fetchval(WAITING))
        attempt.cancel()
        await asyncio.wait({attempt})
    assert await owner.fetchval("SELECT count(*) FROM suspects") == 2
    assert cast("QueuePool", engine.pool).checkedout() == 0
    async with asyncio.timeout(5):
        await journal.settle()
    assert await journal.deaths(ids) == {}


@pytest.mark.parametrize("already", range(0, 60, 3))
async def test_broken_off_at_whatever_moment(engine: AsyncEngine, already: int) -> None:
    journal, ids, over = PostgresJournal(engine), [an_id()], asyncio.Event()
    over.set()
    attempt = asyncio.create_task(attempted(journal, ids, over))
    for _ in range(already):
        await asyncio.sleep(0)
    attempt.cancel()
    await asyncio.wait({attempt})
    async with asyncio.timeout(5):
        await journal.settle()
    assert await journal.deaths(ids) == {}
