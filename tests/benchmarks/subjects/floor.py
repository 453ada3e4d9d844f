"""The floor as a subject: queues, a table, a collection, and a process for each side."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from pymongo import AsyncMongoClient

from tests.benchmarks.peers.floor import COLLECTIONS, COMMANDS, EVENTS, SIDES, TABLE
from tests.benchmarks.servers import Servers
from tests.benchmarks.subjects.resting import Resting
from tests.benchmarks.subjects.starting import declare, started

NAME, VHOST = "floor", "test_6"


@dataclass
class Floor:
    """The floor, running."""

    name: str
    amqp: str
    mongo: str
    processes: dict[str, int]
    resting: Resting = field(default_factory=Resting)

    def rest(self) -> None:
        """Stop both processes where they stand."""
        self.resting.rest(list(self.processes.values()))

    def wake(self) -> None:
        """Let both processes go on."""
        self.resting.wake(list(self.processes.values()))


async def floor(servers: Servers) -> Floor:
    """The floor's two processes on an empty table and empty collections."""
    amqp, mongo = servers.amqp(VHOST), servers.mongo(NAME)
    postgres = await servers.new_database(NAME)
    connection = await asyncpg.connect(postgres)
    await connection.execute(TABLE)
    await connection.close()
    async with AsyncMongoClient[dict[str, Any]](mongo) as client:
        database = client.get_default_database()
        for name in COLLECTIONS:
            await database.drop_collection(name)
            await database.create_collection(name)  # two transactions that each make it would clash
    await declare(amqp, {"commands": COMMANDS, "events": EVENTS})
    variables = {"PEER_AMQP_URL": amqp, "PEER_POSTGRES_URL": postgres, "PEER_MONGO_URL": mongo}
    peer = "tests.benchmarks.peers.floor"
    starting = (
        started(servers.stack, f"floor-{side}", peer, side, environment=variables, amqp=amqp, queue=queue)
        for side, (_, queue) in SIDES.items()
    )
    pids = await asyncio.gather(*starting)
    return Floor(NAME, amqp, mongo, {f"floor {side}": pid for side, pid in zip(SIDES, pids, strict=True)})
