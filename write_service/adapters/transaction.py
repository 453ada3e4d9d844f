"""The pipeline's transactions in Postgres: one constant set of statements, whatever the number of commands."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from write_service.adapters import reading, writing
from write_service.adapters.failures import meaning_of
from write_service.service_layer.ports import Refused
from write_service.service_layer.records import Changes, Loaded, Wanted


class PostgresTransactions:
    """Transactions on the connections of an engine."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def begin(self) -> AsyncIterator["PostgresTransaction"]:
        """One transaction: READ COMMITTED, so that what is read after the locks is what others have committed."""
        async with self._engine.connect() as connection:
            # The driver's own connection: prepared once, and a third of the time of going through SQLAlchemy.
            driver: Any = (await connection.get_raw_connection()).driver_connection
            try:
                async with driver.transaction():
                    yield PostgresTransaction(driver)
            except BaseException as failure:
                meaning = meaning_of(failure) if isinstance(failure, Exception) else failure
                if driver.is_closed() or driver.is_in_transaction():
                    await connection.invalidate()
                if meaning is failure:
                    raise
                raise meaning from failure


class PostgresTransaction:
    """A transaction that is open on an asyncpg connection."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    async def load(self, wanted: Wanted) -> Loaded:
        """Locks first: what is read after them includes what the replica that held them has committed."""
        await reading.lock_names(self._driver, wanted)
        rows = await reading.lock_companies(self._driver, wanted)
        found = await reading.find(self._driver, wanted)
        return Loaded(found.now, reading.companies_of(wanted, rows, found.users), found.holders, found.outcomes)

    async def write(self, changes: Changes) -> None:
        """Companies come first, in the order of their ids: replicas that make the same ones wait here."""
        for statement, expected_rows, arguments in writing.state(changes):
            status: str = await self._driver.execute(statement, *arguments)
            _compare(int(status.rpartition(" ")[2]), expected_rows, status)
        if changes.outcomes:
            written, expected = await writing.write_log(self._driver, changes)
            _compare(written, expected, "outcomes, events, outbox")

    async def check(self) -> None:
        """What is deferred to the commit is checked now."""
        await self._driver.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _compare(written: object, expected: object, what: str) -> None:
    if written != expected:
        raise Refused(f"{written} rows were written instead of {expected}: {what}")
