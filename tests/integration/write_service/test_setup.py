"""`setup` on real servers: from nothing, again, and several at the same time."""

import asyncio

import asyncpg

from deploy.local import postgres
from deploy.local.stack import Stack
from write_service.entrypoints.setup import set_up
from write_service.settings import SetupSettings


async def test_setups_at_the_same_time_on_an_empty_database_all_succeed(migrated: Stack, vhost: str) -> None:
    admin = await asyncpg.connect(postgres.url(migrated, "postgres", "postgres"))
    await admin.execute("DROP DATABASE IF EXISTS test_setup WITH (FORCE)")
    await admin.execute(f"CREATE DATABASE test_setup OWNER {postgres.OWNER}")
    url = postgres.url(migrated, postgres.OWNER, "test_setup")
    settings = SetupSettings(amqp_url=vhost, postgres_setup_url=url)
    try:
        await asyncio.gather(*(set_up(settings) for _ in range(3)))
        await set_up(settings)
        service = await asyncpg.connect(postgres.url(migrated, postgres.SERVICE, "test_setup"))
        assert await service.fetchval("SELECT version_num FROM alembic_version") == "0002"
        await service.execute("INSERT INTO suspects (command_id, deaths) VALUES (gen_random_uuid(), 1)")
        await service.close()
    finally:
        await admin.execute("DROP DATABASE test_setup WITH (FORCE)")
        await admin.close()
