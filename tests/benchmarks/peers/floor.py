"""The floor: the least that keeps the promises of a lone command on these servers, and nothing that a service is for.

Takes a message from a quorum queue and decodes nothing: one look into Postgres, one row committed, the reply, the event
in a quorum queue (confirmed), the acknowledgement; and on the other side a look at one document and a write to five
collections (where an event's position, statistics, company, user and activity would be), sent at once, in a transaction
with majority. Drivers without a library above them.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import aio_pika
import asyncpg
from aio_pika.abc import AbstractIncomingMessage
from pymongo import MongoClient
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from read_service.adapters.pipelining import run_pipelined

COMMANDS, EVENTS = "floor.commands", "floor.events"
COLLECTIONS = ("positions", "statistics", "companies", "users", "activity")
TABLE = "CREATE TABLE floor (body bytea PRIMARY KEY)"

_LOOK = "SELECT body FROM floor WHERE body = $1"
_STORE = "INSERT INTO floor VALUES ($1)"


async def write(url: str) -> None:
    """From a command to its reply and its event."""
    database, alone = await asyncpg.connect(os.environ["PEER_POSTGRES_URL"]), asyncio.Lock()
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        replies, events = channel.default_exchange, await channel.get_exchange("events", ensure=False)

        async def take(message: AbstractIncomingMessage) -> None:
            async with alone:  # a connection takes one query at a time; two commands met when the machine paused
                await database.fetchrow(_LOOK, message.body)
                await database.execute(_STORE, message.body)
            reply = aio_pika.Message(message.body, correlation_id=message.correlation_id)
            event = aio_pika.Message(message.body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
            await asyncio.gather(
                replies.publish(reply, str(message.reply_to), mandatory=False), events.publish(event, "event")
            )
            await message.ack()

        await _consume(connection, COMMANDS, take)


async def read(url: str) -> None:
    """From an event to its document."""
    async with await aio_pika.connect(url) as connection:
        client: MongoClient[dict[str, Any]] = MongoClient(os.environ["PEER_MONGO_URL"])
        documents, alone = client.get_default_database(), asyncio.Lock()
        snapshot, majority = ReadConcern("snapshot"), WriteConcern("majority")
        session = client.start_session()

        def store(this: dict[str, Any]) -> None:
            with session.start_transaction(snapshot, majority):
                documents[COLLECTIONS[0]].find_one(this, session=session)
                step = {"q": this, "u": {"$inc": {"version": 1}}, "upsert": True}
                run_pipelined(documents, session, [{"update": name, "updates": [step]} for name in COLLECTIONS])

        async def take(message: AbstractIncomingMessage) -> None:
            async with alone:  # a session has one transaction at a time; two events met when the machine paused
                await asyncio.to_thread(store, {"_id": message.body.decode()})
            await message.ack()

        await _consume(connection, EVENTS, take)


async def _consume(connection: Any, queue: str, take: Callable[[AbstractIncomingMessage], Awaitable[None]]) -> None:
    channel = await connection.channel()
    await channel.set_qos(100)
    await (await channel.get_queue(queue, ensure=False)).consume(take)
    await asyncio.Event().wait()


SIDES = {"write": (write, COMMANDS), "read": (read, EVENTS)}

if __name__ == "__main__":
    side, _ = SIDES[sys.argv[1]]
    asyncio.run(side(os.environ["PEER_AMQP_URL"]))
