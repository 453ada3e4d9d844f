"""Whether Postgres takes this service's work: it answers, is writable, and has the tables that we know."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

OK = "ok"
NEEDED = "0002"  # the migration that this version was written for; a later one is compatible

_ASK = text("""
    SELECT current_setting('transaction_read_only') = 'on', (SELECT max(version_num) FROM alembic_version)""")


class PostgresCondition:
    """Asks the server itself."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def asked(self) -> str:
        """`ok`, or in a few words what is wrong. Raises what the server says."""
        async with self._engine.connect() as connection:
            read_only, migration = (await connection.execute(_ASK)).one()
        if read_only:
            return "Postgres is read-only"
        if migration is None or migration < NEEDED:
            return f"the tables are at migration {migration}: run write-service setup"
        return OK
