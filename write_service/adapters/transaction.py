"""The pipeline's transactions in Postgres: one constant set of statements, whatever the number of commands."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from write_service.adapters import reading, writing
from write_service.adapters.failures import meaning_of
from write_service.service_layer.records import Changes, Loaded, Wanted

# After these a statement may run all the same, later. A BEGIN that did so, when a route was lost for seconds, left a
# transaction open of which nobody knew: what followed on the connection was answered, published, and never committed.
_INTERRUPTED = (TimeoutError, asyncio.CancelledError, OSError)


class PostgresTransactions:
    """Transactions on the connections of an engine. The last one that went well is kept for the next."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._kept: _Connection | None = None

    @asynccontextmanager
    async def begin(self) -> AsyncIterator["PostgresTransaction"]:
        """One transaction, begun by `load`: READ COMMITTED, so that what is read after the locks is what others have
        committed."""
        async with self._lent() as driver:
            transaction = PostgresTransaction(driver)
            yield transaction
            await transaction.commit()

    @asynccontextmanager
    async def optimistic(self) -> AsyncIterator["PostgresOptimistic"]:
        """No transaction around its two statements."""
        async with self._lent() as driver:
            yield PostgresOptimistic(driver)

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[Any]:
        connection = await self._connection()
        try:
            yield connection.driver
        except BaseException as failure:
            try:
                await _undo(connection, failure)
            finally:
                await asyncio.shield(connection.lent.close())
            if not isinstance(failure, Exception) or meaning_of(failure) is failure:
                raise
            # In no variable: its own traceback would hold it, and all of the batch, until a round of the collector.
            raise meaning_of(failure) from failure
        # Kept: giving it back to the pool and taking it again is 0.3 ms of the five of a lone command.
        spare, self._kept = self._kept, connection
        if spare is not None:
            await asyncio.shield(spare.lent.close())

    async def aclose(self) -> None:
        """Give the connection back to the engine. Safe to repeat."""
        kept, self._kept = self._kept, None
        if kept is not None:
            await asyncio.shield(kept.lent.close())

    async def _connection(self) -> "_Connection":
        if self._kept is not None and self._kept.driver.is_closed():
            await self.aclose()
        if self._kept is not None:
            kept, self._kept = self._kept, None
            return kept
        lent = await self._engine.connect()
        try:
            # The driver's own connection: prepared once, and a third of the time of going through SQLAlchemy.
            return _Connection(lent, (await lent.get_raw_connection()).driver_connection)
        except BaseException:
            await asyncio.shield(lent.close())
            raise


class _Connection(NamedTuple):
    """A connection that the engine's pool has lent, and the driver's own."""

    lent: AsyncConnection
    driver: Any


async def _undo(taken: _Connection, failure: BaseException) -> None:
    """Leave the connection as it was before the transaction, or closed."""
    connection, driver = taken
    try:
        if isinstance(failure, _INTERRUPTED) or driver.is_closed():
            await connection.invalidate()
        elif driver.is_in_transaction():
            await driver.execute("ROLLBACK;")
    except BaseException as another:  # a stop breaks off what undoes, too
        await connection.invalidate()
        if not isinstance(another, Exception):
            raise


class PostgresTransaction:
    """A transaction that is open on an asyncpg connection."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self._has_begun = False

    async def load(self, wanted: Wanted) -> Loaded:
        """Locks first: what is read after them includes what the replica that held them has committed."""
        self._has_begun = True
        await reading.begin(self._driver, wanted)
        return reading.loaded(wanted, await reading.find(self._driver, wanted))

    async def write(self, changes: Changes) -> None:
        """All of it in one statement; nothing where there is no new outcome."""
        if changes.outcomes:
            await writing.write(self._driver, changes, alone=False)

    async def check(self) -> None:
        """What is deferred to the commit is checked now."""
        await self._driver.execute("SET CONSTRAINTS ALL IMMEDIATE")

    async def commit(self) -> None:
        """Returns when it is committed. Raises whatever says otherwise."""
        # Not asked of the driver: one whose session was ended knows of no transaction.
        if self._has_begun and (said := await self._driver.execute("COMMIT;")) != "COMMIT":
            # So Postgres answers where a statement has failed, or nothing was begun.
            raise RuntimeError(f"the transaction was not committed: {said}")


class PostgresOptimistic:
    """A look and one statement that writes, on an asyncpg connection, each of them a transaction of its own."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    async def load(self, wanted: Wanted) -> Loaded:
        """All of it as it is at one moment; nothing keeps others from changing it afterwards."""
        return reading.loaded(wanted, await reading.find(self._driver, wanted))

    async def write(self, changes: Changes) -> None:
        """All of it in one statement, which commits, and fails where a company has moved or a command is known."""
        if changes.outcomes:
            await writing.write(self._driver, changes, alone=True)
