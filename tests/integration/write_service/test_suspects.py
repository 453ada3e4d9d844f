"""The journal of suspects on a real Postgres: a row without a lock is a death, a row with one is a run."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.integration.write_service.conftest import Owner
from tests.support.eventually import eventually
from tests.unit.write_service.orders import an_id
from write_service.adapters.suspects import PostgresJournal


class Died(Exception):
    """Stands for the end of a process."""


async def test_a_run_that_ends_leaves_nothing_and_one_that_dies_is_counted(engine: AsyncEngine) -> None:
    journal, ids = PostgresJournal(engine), sorted([an_id(), an_id()])
    async with journal.run([*ids, ids[0]]):
        pass
    assert await journal.deaths(ids) == {}
    for deaths in (1, 2):
        with pytest.raises(Died):
            async with journal.run([ids[0]]):
                raise Died
        assert await journal.deaths(ids) == {ids[0]: deaths}
    await journal.forget(ids[0])
    assert await journal.deaths(ids) == {}


async def test_a_run_elsewhere_is_waited_for_and_not_taken_for_a_death(engine: AsyncEngine, owner: Owner) -> None:
    one, other, command_id = PostgresJournal(engine), PostgresJournal(engine), an_id()
    async with one.run([command_id]):
        asking = asyncio.create_task(other.deaths([command_id]))
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        await eventually(lambda: owner.fetchval(waiting), until=lambda found: found == 1)
        assert not asking.done()
    assert await asking == {}
