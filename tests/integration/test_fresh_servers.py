"""What the fixtures promise to other tests: something of one's own, empty, and gone afterwards."""

import aio_pika
import asyncpg
import pytest
from pymongo import AsyncMongoClient

from contracts import topology
from deploy.local import mongo, postgres
from deploy.local.stack import Stack
from tests.support import fresh
from tests.support.fresh import MongoDatabase, PostgresDatabase


async def test_a_database_is_migrated_and_the_service_may_use_its_tables(postgres_database: PostgresDatabase) -> None:
    service = await asyncpg.connect(postgres_database.url)
    assert await service.fetchval("SELECT count(*) FROM companies") == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await service.execute("DELETE FROM events")
    await service.close()


async def test_a_database_is_gone_after_its_test_although_somebody_is_connected(migrated: Stack) -> None:
    async with fresh.postgres_database(migrated) as database:
        left_open = await asyncpg.connect(database.url)
    left_open.terminate()
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(postgres.url(migrated, database=database.name))


async def test_a_virtual_host_has_the_topology_and_nothing_that_was_left_in_it(servers: Stack) -> None:
    seen = set()
    for _ in range(9):
        async with fresh.vhost(servers) as url:
            seen.add(url)
            async with await aio_pika.connect(url) as connection:
                channel = await connection.channel()
                exchange = await channel.get_exchange(topology.COMMANDS)
                queue = await channel.get_queue(topology.WRITE_COMMANDS.name)
                assert queue.declaration_result.message_count == 0
                await exchange.publish(aio_pika.Message(b"left over"), "company.register.v1")
    assert len(seen) == 8


async def test_documents_are_dropped_after_the_test_and_views_may_read_them(servers: Stack) -> None:
    async with fresh.mongo_database(servers) as database:
        async with AsyncMongoClient[dict[str, object]](database.url) as projector:
            await projector[database.name]["things"].insert_one({"_id": "one"})
        async with AsyncMongoClient[dict[str, object]](database.views_url) as views:
            assert await views[database.name]["things"].find_one({}) == {"_id": "one"}
    async with AsyncMongoClient[dict[str, object]](mongo.url(servers)) as projector:
        assert database.name not in await projector.list_database_names()


def test_the_settings_of_a_whole_system_are_the_tests_own(
    environment: dict[str, str], vhost: str, postgres_database: PostgresDatabase, mongo_database: MongoDatabase
) -> None:
    assert environment == {
        "REGISTRAR_AMQP_URL": vhost,
        "REGISTRAR_POSTGRES_URL": postgres_database.url,
        "REGISTRAR_POSTGRES_SETUP_URL": postgres_database.setup_url,
        "REGISTRAR_MONGO_URL": mongo_database.url,
        "REGISTRAR_MONGO_VIEWS_URL": mongo_database.views_url,
    }
