"""Servers of a module's own that a test may kill, and the write service on them as real processes."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aio_pika
import asyncpg
import httpx

from contracts.topology import WRITE_COMMANDS
from deploy.local import postgres, processes, rabbitmq, servers
from deploy.local.stack import Stack
from tests.support.fresh import PostgresDatabase
from tests.support.processes import Process, ready

# Times of minutes in production, shortened so that a test sees what comes after them.
QUICK = {
    "REGISTRAR_POSTGRES_TIMEOUT": "2",
    "REGISTRAR_CONFIRM_TIMEOUT": "1.5",
    "REGISTRAR_SWEEP_GRACE": "2",
    "REGISTRAR_SWEEP_EVERY": "0.3",
    "REGISTRAR_LOOK_EVERY": "0.5",
    "REGISTRAR_PREFETCH": "100",
}


@dataclass(frozen=True, slots=True)
class System:
    """A broker, a database, and the settings of a write service that uses them."""

    stack: Stack
    amqp_url: str
    database: PostgresDatabase

    @property
    def environment(self) -> dict[str, str]:
        """The settings."""
        return {**QUICK, "REGISTRAR_AMQP_URL": self.amqp_url, "REGISTRAR_POSTGRES_URL": self.database.url}

    @contextlib.asynccontextmanager
    async def replicas(self, number: int, **settings: str) -> AsyncIterator[list[Process]]:
        """So many replicas of the service, ready."""
        async with contextlib.AsyncExitStack() as running:
            environment = {**self.environment, **settings}
            starting = (
                running.enter_async_context(ready("write-service", environment=environment)) for _ in range(number)
            )
            yield list(await asyncio.gather(*starting))

    @contextlib.asynccontextmanager
    async def owner(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """A connection of the tables' owner."""
        connection = await asyncpg.connect(self.database.setup_url, timeout=10)
        try:
            yield connection
        finally:
            await connection.close()

    @contextlib.asynccontextmanager
    async def admin(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """A connection of the superuser, to another database than the service's."""
        connection = await asyncpg.connect(postgres.url(self.stack, "postgres", "postgres"), timeout=10)
        try:
            yield connection
        finally:
            await connection.close()

    async def stop(self, server: str, number: signal.Signals) -> None:
        """End a server: SIGINT and SIGTERM end its sessions first, SIGQUIT and SIGKILL do not."""
        await asyncio.to_thread(processes.end, self.stack.processes[server], number)

    async def start(self, server: str) -> None:
        """Start a server again, on the same port and with the same data."""
        await asyncio.to_thread(servers.start, self.stack, server)

    async def control(self, *arguments: str) -> str:
        """What rabbitmqctl says."""
        return await asyncio.to_thread(rabbitmq.control, self.stack, *arguments)

    async def delivered_before(self) -> dict[str, bool]:
        """The ids of the commands that rest in the queue, and whether the broker counts a delivery of them."""
        found: dict[str, bool] = {}
        async with await aio_pika.connect(self.amqp_url, timeout=10) as connection:
            channel = await connection.channel()
            queue = await channel.get_queue(WRITE_COMMANDS.name, ensure=False)
            while (message := await queue.get(fail=False)) is not None:
                found[message.message_id or ""] = bool(message.redelivered or message.headers.get("x-delivery-count"))
        return found

    async def mend(self) -> None:
        """Start whatever a failed test has left dead."""
        for server in (postgres.NAME, rabbitmq.NAME):
            if not self.stack.running(server):
                await self.start(server)


async def checks(replica: Process) -> dict[str, str]:
    """What a replica says of itself, without what is well: empty when it is ready."""
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{replica.url}/health/ready", timeout=5)
    said: dict[str, str] = answer.json()["checks"]
    wrong = {name: word for name, word in said.items() if word != "ok"}
    assert (answer.status_code == 200) == (not wrong)
    return wrong


async def metric(replica: Process, name: str) -> float:
    """The value of a metric, with its labels as Prometheus writes them; 0 without one."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{replica.url}/metrics", timeout=5)).text
    lines = (line.rpartition(" ") for line in text.splitlines())
    return next((float(value) for found, _, value in lines if found == name), 0.0)
