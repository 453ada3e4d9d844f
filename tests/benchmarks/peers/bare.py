"""A bare read of the driver behind the same HTTP server: what an answer costs before anything is made of it.

A route and nothing around it; the server's own command, for a cursor costs a tenth of the whole (DECISIONS 15).
"""

import asyncio
import json
import os
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from read_service.entrypoints.serving import listening, served

client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(os.environ["PEER_MONGO_URL"], tz_aware=True)
database = client.get_default_database()
collection = os.environ["PEER_COLLECTION"]


async def company(request: Request) -> Response:
    """The document as it lies there; `null` where there is none."""
    where = {"_id": request.path_params["company_id"]}
    found = await database.command({"find": collection, "filter": where, "limit": 1, "singleBatch": True})
    document = next(iter(found["cursor"]["firstBatch"]), None)
    return Response(json.dumps(document, default=str), media_type="application/json")


async def main() -> None:
    """Serve."""
    app = Starlette(routes=[Route("/companies/{company_id}", company)])
    async with served(app, listening("127.0.0.1", int(os.environ["PEER_HTTP_PORT"]))):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
