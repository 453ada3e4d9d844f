"""What one test has for itself on the shared servers: a database, a virtual host, a database of documents."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aio_pika
import asyncpg
from pymongo import AsyncMongoClient

from contracts import topology
from deploy.local import mongo, postgres, rabbitmq
from deploy.local.stack import Stack
from write_service.adapters import schema

_TEMPLATE = "registrar_template"
_GENERATIONS = range(1, 6)  # of documents that a test may make
_numbers = itertools.count(1)
_vhosts = itertools.cycle(rabbitmq.TEST_VHOSTS)


@dataclass(frozen=True, slots=True)
class PostgresDatabase:
    """A migrated database: its addresses for the service, for the owner of its tables and for the superuser."""

    name: str
    url: str
    setup_url: str
    admin_url: str


@dataclass(frozen=True, slots=True)
class MongoDatabase:
    """An empty database of documents: its addresses for the projector and for views, which may only find."""

    name: str
    url: str
    views_url: str


def migrate_template(stack: Stack) -> None:
    """Make the database that tests' databases are cloned from. Not for a thread that runs an event loop."""
    asyncio.run(_replace_template(stack))
    schema.upgrade(postgres.url(stack, postgres.OWNER, _TEMPLATE), postgres.SERVICE)


async def _replace_template(stack: Stack) -> None:
    async with _admin(stack) as admin:
        await admin.execute(f"DROP DATABASE IF EXISTS {_TEMPLATE} WITH (FORCE)")
        await admin.execute(f"CREATE DATABASE {_TEMPLATE} OWNER {postgres.OWNER}")


@contextlib.asynccontextmanager
async def postgres_database(stack: Stack) -> AsyncIterator[PostgresDatabase]:
    """A migrated database, dropped after the block whoever is still connected. Wants `migrate_template` first."""
    name = f"test_{next(_numbers)}"
    async with _admin(stack) as admin:
        await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")  # of a run that was killed
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} OWNER {postgres.OWNER}")
    urls = (postgres.url(stack, role, name) for role in (postgres.SERVICE, postgres.OWNER, "postgres"))
    try:
        yield PostgresDatabase(name, *urls)
    finally:
        async with _admin(stack) as admin:
            await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.asynccontextmanager
async def _admin(stack: Stack) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(postgres.url(stack, "postgres", "postgres"), timeout=10)
    try:
        yield connection
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def vhost(stack: Stack) -> AsyncIterator[str]:
    """The AMQP address of a virtual host of which the topology is declared, and all queues are empty.

    Hosts are taken in turn and used again: a test's own queues must be exclusive, or have names of their own.
    """
    url = rabbitmq.url(stack, next(_vhosts))
    connection = await aio_pika.connect(url, timeout=10)
    async with connection:
        channel = await connection.channel()
        for name in _known_queues():
            await channel.queue_delete(name)
        await topology.declare(channel)
    yield url


def _known_queues() -> set[str]:
    makers = (topology.live_events, topology.repairs, topology.replays)
    made = {make(generation).name for make in makers for generation in _GENERATIONS}
    return made | {queue.name for queue in topology.ALL_QUEUES}


@contextlib.asynccontextmanager
async def mongo_database(stack: Stack) -> AsyncIterator[MongoDatabase]:
    """A database of documents, dropped after the block."""
    name = f"test_{next(_numbers)}"
    await _drop(stack, name)
    try:
        yield MongoDatabase(name, mongo.url(stack, mongo.PROJECTOR, name), mongo.url(stack, mongo.VIEWS, name))
    finally:
        await _drop(stack, name)


async def _drop(stack: Stack, name: str) -> None:
    async with AsyncMongoClient[dict[str, Any]](mongo.url(stack, mongo.ROOT, "admin")) as client:
        await client.drop_database(name)
