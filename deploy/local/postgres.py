"""A private PostgreSQL: a cluster of its own on loopback, with the two roles of the write service."""

import asyncpg

from deploy.local import cluster
from deploy.local.stack import Stack
from deploy.local.starting import answering, keep_port

NAME = "postgres"
DATABASE, OWNER, SERVICE = "registrar", "registrar_setup", "registrar_service"

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "autovacuum_naptime": "10s",  # the outbox grows between two naps: 50 MB instead of 300 at 8,000 events a second
    "max_wal_size": "2GB",
    "checkpoint_completion_target": "0.9",
    "log_min_duration_statement": "5s",
}


def url(stack: Stack, role: str = SERVICE, database: str = DATABASE) -> str:
    """The address of a database for a role: the service's, the owner's, or postgres."""
    return f"postgresql://{role}:{stack.secret(role)}@127.0.0.1:{stack.port(NAME)}/{database}"


async def start(stack: Stack) -> None:
    """Start the server; make the cluster, the roles and the database where they are missing."""
    data, port = cluster.folder(stack), keep_port(stack, NAME)
    if stack.once("postgres cluster"):
        await cluster.make(stack, data)
    await cluster.no_one_left(data)
    settings = [f"--{name}={value}" for name, value in {**_SETTINGS, "port": str(port)}.items()]
    stack.spawn(NAME, [*cluster.as_account(), cluster.program("postgres"), "-D", str(data), *settings])
    await answering(stack, NAME, lambda: _probe(stack))
    if stack.once("postgres roles"):
        await _make_roles(stack)


async def _probe(stack: Stack) -> None:
    connection = await asyncpg.connect(url(stack, "postgres", "postgres"), timeout=5)
    await connection.close()


async def _make_roles(stack: Stack) -> None:
    server = await asyncpg.connect(url(stack, "postgres", "postgres"))
    for role, right in ((OWNER, "CREATEDB" if stack.test else "NOCREATEDB"), (SERVICE, "NOCREATEDB")):
        if not await server.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await server.execute(f"CREATE ROLE {role}")
        await server.execute(f"ALTER ROLE {role} LOGIN {right} PASSWORD '{stack.secret(role)}'")
    if not await server.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
        await server.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
    await server.close()
    # Versions before 15 let every role make tables.
    database = await asyncpg.connect(url(stack, "postgres"))
    await database.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    await database.execute(f"GRANT USAGE, CREATE ON SCHEMA public TO {OWNER}")
    await database.close()
    stack.finished("postgres roles")
