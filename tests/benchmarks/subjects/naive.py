"""The naive peer as a subject: its database, queues and two processes."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import create_async_engine

from tests.benchmarks.peers.naive import messages
from tests.benchmarks.peers.naive.tables import Base
from tests.benchmarks.servers import Servers
from tests.benchmarks.stores import Documents, Log
from tests.benchmarks.subjects.starting import declare, started
from tests.benchmarks.subjects.system import System

NAME, VHOST = "naive", "test_0"
_PEER = "tests.benchmarks.peers.naive"


async def naive(servers: Servers, tuned: Mapping[str, str] | None = None, database: str = NAME) -> System:
    """The naive services, running on an empty database; `tuned` are variables of theirs."""
    amqp, stack = servers.amqp(VHOST), servers.stack
    postgres = await servers.new_database(database)
    await _make_tables(postgres)
    await declare(
        amqp,
        {
            messages.EXCHANGE_COMMANDS: messages.QUEUE_COMMANDS,
            messages.EXCHANGE_EVENTS: messages.QUEUE_EVENTS,
        },
    )
    variables = {
        **(tuned or {}),
        "PEER_AMQP_URL": amqp,
        "PEER_POSTGRES_URL": postgres,
        "PEER_MONGO_URL": servers.mongo(database),
    }
    sides = {"write": messages.QUEUE_COMMANDS, "read": messages.QUEUE_EVENTS}
    pids = {
        side: await started(
            stack, f"{database}-{side}", f"{_PEER}.{side}", environment=variables, amqp=amqp, queue=queue
        )
        for side, queue in sides.items()
    }
    log, documents = await Log.at(servers.postgres(database)), Documents(servers.mongo(database))
    writers, readers = {"naive write": pids["write"]}, {"naive read": pids["read"]}
    return System(NAME, amqp, log, documents, writers, readers)


async def _make_tables(url: str) -> None:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()
