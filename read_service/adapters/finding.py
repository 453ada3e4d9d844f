"""One document by the server's own command, tried again by the driver as it tries its own reads.

`Collection.find_one` makes a cursor, which asks for nothing more than that. *Measured*: a tenth of a query over HTTP,
DECISIONS 15.

As in `pipelining`, what is called here is not what the drivers publish: pymongo's loop of a read, which goes once more
to whatever is the primary then, a connection's command, and the threads in which motor has its calls.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from motor.frameworks.asyncio import run_on_executor

from read_service.adapters.mongo import Database, Document, Session


async def find_one(
    database: Database,
    collection: str,
    where: Mapping[str, Any],
    fields: Mapping[str, Any] | None = None,
    *,
    time_limit_ms: int,
    session: Session | None = None,
) -> Document | None:
    """The document that matches, or None, read as `database` reads; in a snapshot's `session` as that sees it.

    Raises StoreAway, also where the server did not get to it in `time_limit_ms`.
    """
    driver = database.delegate
    command = {"find": collection, "filter": where, "limit": 1, "singleBatch": True, "maxTimeMS": time_limit_ms}
    if fields is not None:
        command["projection"] = fields

    def attempt(session: Any, _server: Any, connection: Any, preference: Any) -> list[Document]:
        reply = connection.command(
            driver.name,
            dict(command),  # what the driver adds is for one attempt
            preference,
            driver.codec_options,
            read_concern=driver.read_concern,
            session=session,
            client=driver.client,
        )
        found: list[Document] = reply["cursor"]["firstBatch"]
        return found

    def read() -> list[Document]:
        own = None if session is None else session.delegate
        found: list[Document] = driver.client._retryable_read(attempt, driver.read_preference, own, "find")
        return found

    found = await run_on_executor(asyncio.get_running_loop(), read)  # type: ignore[no-untyped-call]
    return found[0] if found else None
