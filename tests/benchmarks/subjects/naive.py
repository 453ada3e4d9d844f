"""The naive peer as a subject: its database, queues and three processes."""

import asyncio
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
_EXCHANGES = {
    messages.EXCHANGE_COMMANDS: messages.QUEUE_COMMANDS,
    messages.EXCHANGE_EVENTS: messages.QUEUE_EVENTS,
}
_SIDES = {"write": messages.QUEUE_COMMANDS, "read": messages.QUEUE_EVENTS, "query": messages.QUEUE_QUERIES}


async def naive(
    servers: Servers, tuned: Mapping[str, str] | None = None, name: str = NAME, vhost: str = VHOST
) -> System:
    """The naive services, running on an empty database; `tuned` are variables of theirs.

    Another one that runs, or rests, under another name wants another virtual host: they would share the queues.
    """
    amqp, stack = servers.amqp(vhost), servers.stack
    postgres = await servers.new_database(name)
    await _make_tables(postgres)
    await declare(amqp, _EXCHANGES)
    await declare(amqp, {messages.EXCHANGE_QUERIES: messages.QUEUE_QUERIES}, "classic")
    variables = {
        **(tuned or {}),
        "PEER_AMQP_URL": amqp,
        "PEER_POSTGRES_URL": postgres,
        "PEER_MONGO_URL": servers.mongo(name),
        "PEER_HTTP_PORT": str(stack.port(f"{name}-query")),
    }
    starting = (
        started(stack, f"{name}-{side}", f"{_PEER}.{side}", environment=variables, amqp=amqp, queue=queue)
        for side, queue in _SIDES.items()
    )
    pids = dict(zip(_SIDES, await asyncio.gather(*starting), strict=True))
    log, documents = await Log.at(servers.postgres(name)), Documents(servers.mongo(name))
    return System(
        name,
        amqp,
        log,
        documents,
        writers={"naive write": pids["write"]},
        readers={"naive read": pids["read"]},
        queries={"naive query": pids["query"]},
        http=f"http://127.0.0.1:{variables['PEER_HTTP_PORT']}",
    )


async def _make_tables(url: str) -> None:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()
