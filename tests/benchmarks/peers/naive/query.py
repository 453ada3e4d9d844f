"""The tutorial's query service: a FastAPI route and a FastStream subscriber that replies, both one find."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException
from faststream.rabbit import RabbitBroker, RabbitQueue
from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import BaseModel

from tests.benchmarks.peers.naive.messages import QUEUE_QUERIES

broker = RabbitBroker(os.environ["PEER_AMQP_URL"], logger=None)
client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(os.environ["PEER_MONGO_URL"])
companies = client.get_default_database().companies


class Company(BaseModel):
    """What is answered."""

    company_id: str
    name: str
    status: str
    seat_limit: int
    users: dict[str, int]
    version: int
    registered_at: str
    updated_at: str


class CompanyGet(BaseModel):
    """What is asked."""

    company_id: str


class Reply(BaseModel):
    """What is replied over the bus."""

    status: str
    result: Company | None = None


@contextlib.asynccontextmanager
async def running(_: FastAPI) -> AsyncIterator[None]:
    async with broker:
        await broker.start()
        yield


app = FastAPI(lifespan=running)


@app.get("/companies/{company_id}")
async def over_http(company_id: str) -> Company:
    if (found := await company(company_id)) is None:
        raise HTTPException(404)
    return found


@broker.subscriber(RabbitQueue(QUEUE_QUERIES, declare=False))
async def over_the_bus(query: CompanyGet) -> Reply:
    found = await company(query.company_id)
    return Reply(status="ok" if found else "not_found", result=found)


async def company(company_id: str) -> Company | None:
    """The company, or None."""
    found = await companies.find_one({"_id": company_id})
    return Company(company_id=found.pop("_id"), **found) if found else None


if __name__ == "__main__":
    port = int(os.environ["PEER_HTTP_PORT"])
    asyncio.run(uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, access_log=False)).serve())
