"""A bare read of the driver behind the same HTTP server: what an answer costs before anything is made of it."""

import asyncio
import json
import os
from typing import Any

from fastapi import FastAPI, Response
from motor.motor_asyncio import AsyncIOMotorClient

from read_service.entrypoints.serving import listening, served

client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(os.environ["PEER_MONGO_URL"], tz_aware=True)
companies = client.get_default_database()[os.environ["PEER_COLLECTION"]]
app = FastAPI()


@app.get("/companies/{company_id}")
async def company(company_id: str) -> Response:
    found = await companies.find_one({"_id": company_id})
    return Response(json.dumps(found, default=str), media_type="application/json")


async def main() -> None:
    """Serve."""
    async with served(app, listening("127.0.0.1", int(os.environ["PEER_HTTP_PORT"]))):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
