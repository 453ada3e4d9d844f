"""A private PostgreSQL: a cluster of its own on loopback, with the two roles of the write service."""

import asyncio
import os
import pwd
import shutil
import tempfile
from pathlib import Path

import asyncpg

from deploy.local.stack import Stack, Trouble, write_private
from deploy.local.starting import answering, keep_port

NAME = "postgres"
DATABASE, OWNER, SERVICE = "registrar", "registrar_setup", "registrar_service"
ACCOUNT = "postgres"  # of the operating system: the server refuses to run as root

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_completion_target": "0.9",
    "log_min_duration_statement": "5s",
}


def url(stack: Stack, role: str = SERVICE, database: str = DATABASE) -> str:
    """The address of a database for a role: the service's, the owner's, or postgres."""
    return f"postgresql://{role}:{stack.secret(role)}@127.0.0.1:{stack.port(NAME)}/{database}"


async def start(stack: Stack) -> None:
    """Start the server; make the cluster, the roles and the database where they are missing."""
    data, port = _data(stack), keep_port(stack, NAME)
    if stack.once("postgres cluster"):
        await _make_cluster(stack, data)
    settings = [f"--{name}={value}" for name, value in {**_SETTINGS, "port": str(port)}.items()]
    stack.spawn(NAME, [*_as_account(), str(_binaries() / "postgres"), "-D", str(data), *settings])
    await answering(stack, NAME, lambda: _probe(stack))
    if stack.once("postgres roles"):
        await _make_roles(stack)


def wipe(stack: Stack) -> None:
    """Remove the data, wherever it lies."""
    shutil.rmtree(_place(stack), ignore_errors=True)


async def _probe(stack: Stack) -> None:
    connection = await asyncpg.connect(url(stack, "postgres", "postgres"), timeout=5)
    await connection.close()


async def _make_cluster(stack: Stack, data: Path) -> None:
    shutil.rmtree(data, ignore_errors=True)  # of a first start that was interrupted
    secret = data.parent / "password"
    write_private(secret, stack.secret("postgres"))
    if os.geteuid() == 0:
        shutil.chown(secret, ACCOUNT)
    options = ["-D", str(data), "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8"]
    made = await asyncio.create_subprocess_exec(
        *_as_account(),
        str(_binaries() / "initdb"),
        *options,
        "--locale=C.UTF-8",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd="/",
    )
    said, _ = await made.communicate()
    secret.unlink()
    if made.returncode:
        raise Trouble(f"initdb failed:\n{said.decode()}")
    stack.finished("postgres cluster")


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


def _data(stack: Stack) -> Path:
    """The folder of the cluster, in a place that its account reaches."""
    place = _place(stack)
    place.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        shutil.chown(place, ACCOUNT)
    place.chmod(0o700)
    return place / "cluster"


def _place(stack: Stack) -> Path:
    if NAME not in stack.folders and os.geteuid() == 0 and not _reachable(stack.root):
        stack.folders[NAME] = tempfile.mkdtemp(prefix="registrar-postgres-", dir="/var/tmp")
    return stack.data(NAME)


def _reachable(folder: Path) -> bool:
    """Whether the account may pass every folder on the way."""
    account = _account()
    for step in (folder, *folder.parents):
        if step.exists():
            about = step.stat()
            mine = 0o100 if about.st_uid == account.pw_uid else 0o010 if about.st_gid == account.pw_gid else 0o001
            if not about.st_mode & mine:
                return False
    return True


def _account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        raise Trouble(f"PostgreSQL does not run as root, and there is no account {ACCOUNT}") from None


def _as_account() -> list[str]:
    if os.geteuid() != 0:
        return []
    account = _account()
    return ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]


def _binaries() -> Path:
    by_version = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda found: float(found.parent.name))
    for folder in (*reversed(by_version), Path("/usr/local/bin"), Path("/usr/bin")):
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    raise Trouble("PostgreSQL is not installed: deploy/local/install.sh installs what is missing")
