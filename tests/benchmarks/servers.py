"""The servers that all rows share: a private stack of the benchmark's own, started fresh and removed at the end."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from deploy.local import mongo, postgres, rabbitmq, servers
from deploy.local.stack import Stack, changing, load

# Processes rest while others are measured: longer than any rest, or the broker would hang up on them.
_HEARTBEAT = "heartbeat=600"
_SERVICE = postgres.SERVICE  # within the class `postgres` is a method


@dataclass(frozen=True)
class Servers:
    """The running servers and their addresses."""

    stack: Stack
    addresses: dict[str, str]

    def amqp(self, vhost: str = rabbitmq.VHOST) -> str:
        """The address of a virtual host of the broker."""
        return f"{rabbitmq.url(self.stack, vhost)}?{_HEARTBEAT}"

    def postgres(self, database: str, role: str = "postgres") -> str:
        """The address of a database, for the superuser unless another role is named."""
        return postgres.url(self.stack, role, database)

    def mongo(self, database: str, user: str = mongo.PROJECTOR) -> str:
        """The address of a document database, for a user who may write everywhere unless another one is named."""
        return mongo.url(self.stack, user, database)

    def pids(self) -> dict[str, int]:
        """The server processes by name."""
        return {name: self.stack.processes[name].pid for name in servers.START}

    async def new_database(self, name: str, role: str = _SERVICE) -> str:
        """Make an empty database that belongs to this role; its address for that role."""
        admin = await asyncpg.connect(self.postgres("postgres"))
        await admin.execute(f"CREATE DATABASE {name} OWNER {role}")
        await admin.close()
        return self.postgres(name, role)


@contextlib.contextmanager
def fresh_servers(root: Path) -> Iterator[Servers]:
    """Servers without data, durable as in production (fsync, quorum queues); stopped and removed after the block."""
    with changing(root) as stack:
        _remove(stack)
    with changing(root) as stack:
        stack.test = True  # with virtual hosts and rights enough for the peers
        try:
            addresses = servers.up(stack, environ={})
            found = Servers(stack, addresses)
            addresses["REGISTRAR_AMQP_URL"] = found.amqp()
            yield found
        finally:
            _remove(load(stack.root))


def _remove(stack: Stack) -> None:
    servers.down(stack)
    servers.wipe(stack)
