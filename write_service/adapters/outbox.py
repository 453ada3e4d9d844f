"""The table `outbox`: what was committed and is not yet confirmed by the broker."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from write_service.service_layer.outbox import Depth, Unpublished

_DELETE = text("DELETE FROM outbox WHERE event_id = ANY(CAST(:ids AS uuid[]))")
# Not waited for on disk: a row that comes back after a crash of Postgres is published again, which readers tolerate.
FORGET = text("""
    DELETE FROM outbox USING (SELECT set_config('synchronous_commit', 'off', true)) AS in_this_transaction
    WHERE event_id = ANY(CAST(:ids AS uuid[]))""")
_CLAIM = text("""
    SELECT event_id, type, body, traceparent FROM outbox
    WHERE recorded_at <= clock_timestamp() - make_interval(secs => :age)
    ORDER BY event_id LIMIT :limit FOR UPDATE SKIP LOCKED""")
_DEPTH = text("""
    SELECT (SELECT count(*) FROM outbox), coalesce(extract(epoch FROM clock_timestamp() - (
        SELECT recorded_at FROM outbox ORDER BY event_id LIMIT 1)), 0)""")


class PostgresOutbox:
    """The rows of the table `outbox`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._by_statement = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def delete(self, event_ids: Sequence[str]) -> None:
        """Forget these rows, in a transaction of its own: one statement, one round trip instead of three."""
        async with self._by_statement.connect() as connection:
            await connection.execute(FORGET, {"ids": list(event_ids)})

    @asynccontextmanager
    async def claim(self, older_than: float, limit: int) -> AsyncIterator["PostgresClaim"]:
        """The oldest rows of at least that age in seconds, locked while the block runs."""
        async with self._engine.begin() as connection:
            found = await connection.execute(_CLAIM, {"age": float(older_than), "limit": limit})
            rows = [Unpublished(str(row[0]), row[1], bytes(row[2]), row[3]) for row in found]
            yield PostgresClaim(connection, rows)

    async def depth(self) -> Depth:
        """How many rows there are, and the age of the oldest."""
        async with self._engine.connect() as connection:
            rows, oldest = (await connection.execute(_DEPTH)).one()
            return Depth(int(rows), float(oldest))


class PostgresClaim:
    """Rows that are locked by this transaction."""

    def __init__(self, connection: AsyncConnection, rows: Sequence[Unpublished]) -> None:
        self._connection = connection
        self.rows = rows

    async def delete(self, event_ids: Sequence[str]) -> None:
        """Forget these rows when the transaction commits."""
        if event_ids:
            await self._connection.execute(_DELETE, {"ids": list(event_ids)})
