"""The bare read as a subject: a process that answers from the documents of another one."""

import asyncio
import urllib.request
from dataclasses import dataclass

from deploy.local.starting import answering
from tests.benchmarks.servers import Servers
from tests.benchmarks.subjects.starting import spawned

_NAME = "bare-read"


@dataclass(frozen=True)
class Bare:
    """The bare read, running."""

    http: str
    pid: int


async def bare(servers: Servers, database: str, collection: str) -> Bare:
    """A bare read of this collection."""
    stack = servers.stack
    port = stack.port(_NAME)
    variables = {
        "PEER_MONGO_URL": servers.mongo(database),
        "PEER_COLLECTION": collection,
        "PEER_HTTP_PORT": str(port),
    }
    if not stack.running(_NAME):
        spawned(stack, _NAME, "tests.benchmarks.peers.bare", environment=variables)
    await answering(stack, _NAME, lambda: asyncio.to_thread(_answers, port))
    return Bare(f"http://127.0.0.1:{port}", stack.processes[_NAME].pid)


def _answers(port: int) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/companies/none", timeout=4) as answer:
        answer.read()
