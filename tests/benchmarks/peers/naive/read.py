"""The tutorial's projector: a FastStream subscriber, an inbox document and three updates an event, in a transaction."""

import asyncio
import os
from typing import Any

from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorClientSession
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from tests.benchmarks.peers.naive.messages import QUEUE_EVENTS, Event, as_json

PREFETCH = int(os.environ.get("NAIVE_READ_PREFETCH", "20"))  # see the row `tuning`
SLOTS = 16  # one counter for all would make every two events collide

broker = RabbitBroker(
    os.environ["PEER_AMQP_URL"], logger=None, decoder=as_json, default_channel=Channel(prefetch_count=PREFETCH)
)
client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(os.environ["PEER_MONGO_URL"])
database = client.get_default_database()


class TooEarly(Exception):
    """An event before this one has not been seen yet: it goes back to the queue."""


@broker.subscriber(RabbitQueue(QUEUE_EVENTS, declare=False), ack_policy=AckPolicy.NACK_ON_ERROR)
async def on_event(event: Event) -> None:
    async def apply(session: AsyncIOMotorClientSession) -> None:
        await database.inbox.insert_one({"_id": str(event.id)}, session=session)
        await update_company(event, session)
        await database.activity.insert_one(
            {
                "_id": str(event.id),
                "company_id": str(event.subject),
                **event.model_dump(mode="json", include={"version", "type", "time", "data"}),
                "command_id": str(event.commandid),
            },
            session=session,
        )
        if changed := counted(event):
            slot = event.subject.int % SLOTS
            await database.statistics.update_one({"_id": slot}, {"$inc": changed}, upsert=True, session=session)

    try:
        async with await client.start_session() as session:
            await session.with_transaction(apply, ReadConcern("snapshot"), WriteConcern("majority"))
    except DuplicateKeyError:
        return  # this event was applied before


async def update_company(event: Event, session: AsyncIOMotorClientSession) -> None:
    """The company at its next version, and the user whom the event is about. Raises TooEarly."""
    company, data = str(event.subject), event.data
    change: dict[str, Any] = {"version": event.version, "updated_at": event.time}
    match event.type:
        case "company.registered.v1":
            change |= {"_id": company, "status": "registered", "registered_at": event.time, "users": {}, **data}
            await database.companies.insert_one(change, session=session)
            return
        case "company.renamed.v1":
            change["name"] = data["name"]
        case "company.activated.v1":
            change["status"] = "active"
    update: dict[str, Any] = {"$set": change}
    if event.type == "user.added.v1":
        update["$inc"] = {f"users.{data['role']}": 1}
    at = {"_id": company, "version": event.version - 1}
    if not (await database.companies.update_one(at, update, session=session)).matched_count:
        raise TooEarly(f"{company} is not at {event.version - 1}")
    if event.type.startswith("user."):
        who = {"_id": {"company_id": company, "user_id": data["user_id"]}}
        await database.users.update_one(who, {"$set": data}, upsert=True, session=session)


def counted(event: Event) -> dict[str, int]:
    """What the event adds to the statistics."""
    match event.type:
        case "company.registered.v1":
            return {"companies.registered": 1}
        case "company.activated.v1":
            return {"companies.registered": -1, "companies.active": 1}
        case "user.added.v1":
            return {f"users.{event.data['role']}": 1}
    return {}


async def main() -> None:
    """Serve."""
    await database.companies.create_index("name")
    await database.activity.create_index([("company_id", 1), ("version", -1)])
    await database.activity.create_index("command_id")
    await database.users.create_index([("_id.company_id", 1), ("email", 1)])
    await broker.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
