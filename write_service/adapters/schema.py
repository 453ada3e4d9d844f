"""The schema of the database: brought up to date by the role that owns the tables, which is not the service's."""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from write_service.adapters.database import database

SERVICE_ROLE = "registrar_service"

_MIGRATIONS = Path(__file__).parent.parent / "migrations"
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(7305437)")
_SECONDS = 600  # a migration may rewrite a table


def upgrade(setup_url: str, service_role: str = SERVICE_ROLE) -> None:
    """Run the migrations that are missing, in one transaction. Safe to repeat, also at the same time.

    `service_role` receives the service's rights. Not for a thread that runs an event loop. Raises what Postgres says.
    """
    asyncio.run(_upgrade(setup_url, service_role))


async def _upgrade(setup_url: str, service_role: str) -> None:
    async with database(setup_url, timeout=_SECONDS, connections=1) as engine, engine.begin() as connection:
        await connection.execute(_ONE_AT_A_TIME)
        await connection.run_sync(_migrate, service_role)


def _migrate(connection: Connection, service_role: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    config.attributes["service_role"] = service_role
    command.upgrade(config, "head")
