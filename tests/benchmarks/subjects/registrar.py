"""Registrar itself as a subject: its two services as they are started everywhere else."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from deploy.local import mongo, postgres, services
from deploy.local.stack import Trouble
from read_service.adapters.collections import name_of
from tests.benchmarks.servers import Servers
from tests.benchmarks.stores import Documents, Log
from tests.benchmarks.subjects.system import System

NAME, DATABASE = "registrar", "registrar"
GENERATION = 1
ENDING = name_of("", GENERATION)
_SERVICES = (services.WRITE, services.READ)


async def registrar(servers: Servers, *, write: int = 1, read: int = 1) -> System:
    """So many replicas of both services, running; called again, it changes their number."""
    stack, replicas = servers.stack, {services.WRITE: write, services.READ: read}
    change = services.scale if any(stack.running(f"{service}-1") for service in _SERVICES) else services.up
    await asyncio.to_thread(change, stack, servers.addresses, replicas)

    def of(service: str) -> dict[str, int]:
        return _pids(servers, [f"{service}-{number}" for number in range(1, replicas[service] + 1)])

    http = servers.addresses["REGISTRAR_HTTP_URL"]
    log, documents = await Log.at(servers.postgres(DATABASE)), Documents(servers.mongo(DATABASE), ENDING)
    return System(NAME, servers.amqp(), log, documents, of(services.WRITE), of(services.READ), http)


@contextlib.asynccontextmanager
async def beside(servers: Servers, name: str, vhost: str) -> AsyncIterator[System]:
    """A second Registrar, on databases of this name and a virtual host of its own; its services are stopped afterwards.

    Raises Trouble unless the first one runs, or rests, with one replica of each service.
    """
    # Replicas have numbers, whatever their stores: this one's are 2.
    for service in _SERVICES:
        if not servers.stack.running(f"{service}-1") or f"{service}-2" in servers.stack.processes:
            raise Trouble(f"{name} wants exactly one {service} beside it")
    addresses = {
        **servers.addresses,
        "REGISTRAR_AMQP_URL": servers.amqp(vhost),
        "REGISTRAR_POSTGRES_SETUP_URL": await servers.new_database(name, postgres.OWNER),
        "REGISTRAR_POSTGRES_URL": servers.postgres(name, postgres.SERVICE),
        "REGISTRAR_MONGO_URL": servers.mongo(name),
        "REGISTRAR_MONGO_VIEWS_URL": servers.mongo(name, mongo.VIEWS),
    }
    await asyncio.to_thread(services.up, servers.stack, addresses, dict.fromkeys(_SERVICES, 2))
    log, documents = await Log.at(servers.postgres(name)), Documents(servers.mongo(name), ENDING)
    writers, readers = (_pids(servers, [f"{service}-2"]) for service in _SERVICES)
    system = System(NAME, servers.amqp(vhost), log, documents, writers, readers, "")
    try:
        yield system
    finally:
        await system.close()
        await asyncio.to_thread(services.scale, servers.stack, servers.addresses, dict.fromkeys(_SERVICES, 1))


def _pids(servers: Servers, names: Sequence[str]) -> dict[str, int]:
    return {name: servers.stack.processes[name].pid for name in names}
