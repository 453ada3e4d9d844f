"""The bare read as a subject: a process that answers from the documents of another one."""

import asyncio
import urllib.request
from dataclasses import dataclass

from deploy.local.starting import answering
from tests.benchmarks.servers import Servers
from tests.benchmarks.subjects.starting import spawned


@dataclass(frozen=True)
class Bare:
    """The bare read, running."""

    http: str
    pid: int


async def bare(servers: Servers, database: str, collection: str) -> Bare:
    """A bare read of this collection."""
    stack, name = servers.stack, f"bare-{database}"
    port = stack.port(name)
    variables = {
        "PEER_MONGO_URL": servers.mongo(database),
        "PEER_COLLECTION": collection,
        "PEER_HTTP_PORT": str(port),
    }
    if not stack.running(name):
        spawned(stack, name, "tests.benchmarks.peers.bare", environment=variables)
    await answering(stack, name, lambda: asyncio.to_thread(_answers, port))
    return Bare(f"http://127.0.0.1:{port}", stack.processes[name].pid)


def _answers(port: int) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/companies/none", timeout=4) as answer:
        answer.read()
