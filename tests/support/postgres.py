"""A real Postgres of the test run's own: with a migrated template that each test's database is cloned from."""

import contextlib
import itertools
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from write_service.adapters import schema

OWNER, SERVICE = "registrar_setup", schema.SERVICE_ROLE

_TEMPLATE = "registrar_template"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs on loopback, and how it is reached."""

    port: int
    password: str
    data: Path

    def url(self, database: str, role: str = SERVICE) -> str:
        """The URL of a database for a role: the service's, the owner's, or postgres."""
        return f"postgresql://{role}:{self.password}@127.0.0.1:{self.port}/{database}"

    def control(self, *arguments: str) -> None:
        """Run pg_ctl on it: stop, start, restart."""
        options = ("-D", str(self.data), "-w", "-l", str(self.data.parent / "log"), "-o", _options(self.port))
        _run("pg_ctl", *options, *arguments)


@contextlib.contextmanager
def postgres_server() -> Iterator[Server]:
    """A server that is stopped and removed after the block."""
    root = Path(tempfile.mkdtemp(prefix="registrar-postgres-", dir="/var/tmp"))
    server = Server(_free_port(), secrets.token_urlsafe(12), root / "data")
    if os.geteuid() == 0:
        shutil.chown(root, "postgres", "postgres")
    try:
        secret = root / "password"
        secret.write_text(server.password)
        secret.chmod(0o644)
        _run("initdb", "-D", str(server.data), "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={secret}", "-N")
        server.control("start")
        yield server
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            server.control("stop", "-m", "immediate")
        shutil.rmtree(root, ignore_errors=True)


async def prepare(server: Server) -> None:
    """Make the two roles and an empty database for the template."""
    admin = await asyncpg.connect(server.url("postgres", "postgres"))
    for role in (OWNER, SERVICE):
        await admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{server.password}'")
    await admin.execute(f"CREATE DATABASE {_TEMPLATE} OWNER {OWNER}")
    await admin.close()


def migrate(server: Server) -> None:
    """Bring the template up to date."""
    schema.upgrade(server.url(_TEMPLATE, OWNER))


async def new_database(server: Server) -> str:
    """The name of a fresh, migrated database."""
    name = f"test_{next(_numbers)}"
    admin = await asyncpg.connect(server.url("postgres", "postgres"))
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} OWNER {OWNER}")
    await admin.close()
    return name


async def drop_database(server: Server, name: str) -> None:
    """Remove a database, whoever is still connected."""
    admin = await asyncpg.connect(server.url("postgres", "postgres"))
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


def _options(port: int) -> str:
    # No fsync: these tests kill processes, not machines.
    facts = "-c fsync=off -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=200"
    return f"{facts} -c port={port} -c shared_buffers=64MB -c autovacuum_naptime=5s"


def _run(program: str, *arguments: str) -> None:
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"))
    as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    subprocess.run(
        [*as_postgres, str(binaries / program), *arguments], check=True, stdout=subprocess.DEVNULL, cwd="/", timeout=60
    )


def _free_port() -> int:
    # Below the ephemeral range, or a client may take it between a stop and a start.
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
