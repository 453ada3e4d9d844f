"""The table `suspects`: commands that run alone at this moment, or whose process died meanwhile."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

_ENTER = text("""
    INSERT INTO suspects AS known (command_id, deaths)
    SELECT id, 1 FROM unnest(CAST(:ids AS uuid[])) AS id ORDER BY id
    ON CONFLICT (command_id) DO UPDATE SET deaths = known.deaths + 1, since = now()""")
_LOCK = text("""
    SELECT command_id, deaths FROM suspects WHERE command_id = ANY(CAST(:ids AS uuid[])) ORDER BY command_id FOR UPDATE
    """)
_FORGET = text("DELETE FROM suspects WHERE command_id = ANY(CAST(:ids AS uuid[]))")


class PostgresJournal:
    """A row counts as a death from the moment it is written: only the end of the run takes it back."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def deaths(self, command_ids: Sequence[str]) -> Mapping[str, int]:
        """How often each of these did not end; waits for the row locks of runs under way elsewhere."""
        async with self._engine.begin() as connection:
            rows = await connection.execute(_LOCK, {"ids": sorted(command_ids)})
            return {str(row.command_id): row.deaths for row in rows}

    @asynccontextmanager
    async def run(self, command_ids: Sequence[str]) -> AsyncIterator[None]:
        """Commit the rows, hold their locks while the block runs, delete them when it ends without an error.

        The locks tell a run under way from a death: they go with the connection of the process that held them.
        """
        ids = {"ids": sorted(set(command_ids))}
        async with self._engine.begin() as connection:
            await connection.execute(_ENTER, ids)
        async with self._engine.begin() as connection:
            await connection.execute(_LOCK, ids)
            yield
            await connection.execute(_FORGET, ids)

    async def forget(self, command_id: str) -> None:
        """Start anew with this command."""
        async with self._engine.begin() as connection:
            await connection.execute(_FORGET, {"ids": [command_id]})
