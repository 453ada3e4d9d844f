"""The table `command_log`: forgetting old outcomes in small steps."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

_ONE_REPLICA_AT_A_TIME = text("SELECT pg_try_advisory_xact_lock(7305438)")
# Accepted outcomes live on in the events, for ever; commands that changed nothing have no event, and stay.
_PURGE = text("""
    DELETE FROM command_log WHERE id = ANY(ARRAY(
        SELECT id FROM command_log
        WHERE outcome <> 'unchanged' AND recorded_at < clock_timestamp() - make_interval(secs => :age)
        ORDER BY recorded_at LIMIT :limit))""")


class PostgresCommandLog:
    """The rows of the table `command_log`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def purge(self, older_than: float, limit: int) -> int:
        """Forget at most so many outcomes of at least that age in seconds; how many there were."""
        async with self._engine.begin() as connection:
            if not (await connection.execute(_ONE_REPLICA_AT_A_TIME)).scalar_one():
                return 0
            found = await connection.execute(_PURGE, {"age": float(older_than), "limit": limit})
            return int(found.rowcount)
