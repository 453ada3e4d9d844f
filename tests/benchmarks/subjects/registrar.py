"""Registrar itself as a subject: its two services as they are started everywhere else."""

import asyncio

from deploy.local import services
from read_service.adapters.collections import name_of
from tests.benchmarks.servers import Servers
from tests.benchmarks.stores import Documents, Log
from tests.benchmarks.subjects.system import System

NAME, DATABASE = "registrar", "registrar"
GENERATION = 1
ENDING = name_of("", GENERATION)


async def registrar(servers: Servers, *, write: int = 1, read: int = 1) -> System:
    """So many replicas of both services, running; called again, it changes their number."""
    stack, replicas = servers.stack, {services.WRITE: write, services.READ: read}
    await asyncio.to_thread(services.up, stack, servers.addresses, replicas)

    def of(service: str) -> dict[str, int]:
        names = [f"{service}-{number}" for number in range(1, replicas[service] + 1)]
        return {name: stack.processes[name].pid for name in names}

    http = servers.addresses["REGISTRAR_HTTP_URL"]
    log, documents = await Log.at(servers.postgres(DATABASE)), Documents(servers.mongo(DATABASE), ENDING)
    return System(NAME, servers.amqp(), log, documents, of(services.WRITE), of(services.READ), http)
