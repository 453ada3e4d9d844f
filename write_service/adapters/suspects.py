"""The table `suspects`: commands that are attempted at this moment, or whose process died meanwhile."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from write_service.logs import logger

_ENTER = text("""
    INSERT INTO suspects AS known (command_id, deaths)
    SELECT id, 1 FROM unnest(CAST(:ids AS uuid[])) AS id ORDER BY id
    ON CONFLICT (command_id) DO UPDATE SET deaths = known.deaths + 1, since = now()""")
_LOCK = text("""
    SELECT command_id, deaths FROM suspects WHERE command_id = ANY(CAST(:ids AS uuid[])) ORDER BY command_id FOR UPDATE
    """)
_FORGET = text("DELETE FROM suspects WHERE command_id = ANY(CAST(:ids AS uuid[]))")
_FORGET_FIRST = text("DELETE FROM suspects WHERE command_id = ANY(CAST(:ids AS uuid[])) AND deaths <= 1")
_TAKE_BACK = text("UPDATE suspects SET deaths = deaths - 1 WHERE command_id = ANY(CAST(:ids AS uuid[]))")

log = logger(__name__)


class PostgresJournal:
    """A row counts as a death from the moment it is written: only the end of the attempt, good or bad, takes it back.

    What cannot be taken back since Postgres is away is owed: it is taken back before anything else is written.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._owed: dict[str, bool] = {}  # command id: whether its earlier deaths are to be forgotten as well

    async def deaths(self, command_ids: Sequence[str]) -> Mapping[str, int]:
        """How often the process died of each; waits for the row locks of attempts under way elsewhere."""
        async with self._engine.begin() as connection:
            rows = await connection.execute(_LOCK, {"ids": sorted(command_ids)})
            return {str(row.command_id): row.deaths for row in rows}

    @asynccontextmanager
    async def attempt(self, command_ids: Sequence[str]) -> AsyncIterator[None]:
        """Commit the rows, hold their locks while the block runs, delete them when it ends.

        The locks tell an attempt under way from a death: they go with the connection of the process that held them.
        After an exception the rows are as they were before: a process that gets so far did not die.
        """
        await self.settle()
        ids = sorted(set(command_ids))
        self._owed |= dict.fromkeys(ids, False)  # before the rows: a cut may keep us from hearing of their commit
        async with self._engine.begin() as connection:
            await connection.execute(_ENTER, {"ids": ids})
        holding = await self._engine.connect()
        try:
            await holding.execute(_LOCK, {"ids": ids})
            yield
            self._owed |= dict.fromkeys(ids, True)
        finally:
            await self._leave(holding)

    async def settle(self) -> None:
        """Take back what is owed."""
        if self._owed:
            async with self._engine.connect() as connection:
                await self._pay(connection)

    async def forget(self, command_id: str) -> None:
        """Start anew with this command."""
        async with self._engine.begin() as connection:
            await connection.execute(_FORGET, {"ids": [command_id]})

    async def _leave(self, holding: AsyncConnection) -> None:
        # The outcome of the attempt stands: a journal that is away now must not change it.
        try:
            await self._pay(holding)
        except Exception as failure:  # noqa: BLE001
            log.warning("suspects_owed", commands=len(self._owed), reason=f"{type(failure).__name__}: {failure}")
        finally:  # also when it is cut off: what is owed can only be taken back once the locks are gone
            with contextlib.suppress(Exception):
                await holding.close()

    async def _pay(self, connection: AsyncConnection) -> None:
        owed = dict(self._owed)
        forgotten, taken_back = sorted(name for name in owed if owed[name]), sorted(n for n in owed if not owed[n])
        await connection.execute(_FORGET, {"ids": forgotten})
        await connection.execute(_FORGET_FIRST, {"ids": taken_back})
        await connection.execute(_TAKE_BACK, {"ids": taken_back})
        await connection.commit()
        for name in owed:
            self._owed.pop(name, None)
