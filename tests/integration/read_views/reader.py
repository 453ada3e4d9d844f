"""The whole read service inside the test's own loop, with what a test needs to give it documents and to ask it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from deploy.local.stack import free_port
from read_service import bootstrap
from read_service.adapters.collections import NAMES, name_of
from read_service.adapters.generations import FIRST
from read_service.entrypoints.stopping import Stop
from read_service.settings import Settings
from tests.integration.read_views.bus import Bus, bus
from tests.support.eventually import eventually
from tests.support.fresh import MongoDatabase

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reader:
    """A service that runs, its documents, and both ways to ask it."""

    database: AsyncDatabase[Document]
    http: httpx.AsyncClient
    bus: Bus
    settings: Settings

    async def given(self, **documents: list[Document]) -> None:
        """These are the documents, by collection, and no others."""
        for name in NAMES:
            collection = self.database[name_of(name, FIRST)]
            await collection.delete_many({})
            if documents.get(name):
                await collection.insert_many(documents[name])

    async def put(self, name: str, document: Document) -> None:
        """One more document, or one instead of the one with its id."""
        await self.database[name_of(name, FIRST)].replace_one({"_id": document["_id"]}, document, upsert=True)

    async def remove(self, name: str, identity: str) -> None:
        """One document less."""
        await self.database[name_of(name, FIRST)].delete_one({"_id": identity})

    async def get(self, path: str, **parameters: Any) -> httpx.Response:
        """The response to GET."""
        return await self.http.get(path, params=parameters)


@contextlib.asynccontextmanager
async def reading(url: str, mongo: MongoDatabase, **settings: Any) -> AsyncIterator[Reader]:
    """A read service that is set up and ready; stopped after the block."""
    addresses = {"amqp_url": url, "mongo_url": mongo.url, "mongo_views_url": mongo.views_url}
    made = Settings(**{**addresses, "http_port": free_port(), "positions_poll_ms": 5, **settings})
    await bootstrap.set_up(made)
    stop = Stop(within=30)
    running = asyncio.create_task(bootstrap.serve(made, stop))
    try:
        async with _asking(mongo, url, made) as reader:
            await eventually(lambda: _ready(reader, running), every=0.05, within=20)
            yield reader
    finally:
        if not running.done():
            stop.ask()
        await running


@contextlib.asynccontextmanager
async def _asking(mongo: MongoDatabase, amqp_url: str, settings: Settings) -> AsyncIterator[Reader]:
    url = f"http://127.0.0.1:{settings.http_port}"
    limits = httpx.Limits(max_connections=600)
    async with (
        AsyncMongoClient[Document](mongo.url) as client,
        httpx.AsyncClient(base_url=url, timeout=30, limits=limits, trust_env=False) as http,
        bus(amqp_url) as asking,
    ):
        yield Reader(client.get_default_database(), http, asking, settings)


async def _ready(reader: Reader, running: asyncio.Task[None]) -> bool:
    if running.done():
        await running
    try:
        return (await reader.get("/health/ready")).status_code == 200
    except httpx.TransportError:
        return False
