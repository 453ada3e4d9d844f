"""A private MongoDB: a replica set of one on loopback, with the two roles of the read service."""

import base64
import contextlib
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure

from deploy.local.stack import TOOLS, Stack, Trouble, write_private
from deploy.local.starting import answering, keep_port

NAME = "mongo"
DATABASE, SET, PROJECTOR, VIEWS = "registrar", "registrar", "projector", "views"
ROOT = "root"
TRANSACTION_SECONDS = 10
_USER_NOT_FOUND, _NOT_INITIALIZED, _ALREADY = 11, 94, 23


def url(stack: Stack, user: str = PROJECTOR, database: str = DATABASE) -> str:
    """The address of a database for a user: projector, views, or root."""
    server = f"127.0.0.1:{stack.port(NAME)}"
    # One option only: no shell that reads stack.env meets an ampersand, and drivers find the replica set themselves.
    return f"mongodb://{user}:{stack.secret(f'mongo {user}')}@{server}/{database}?authSource=admin"


async def start(stack: Stack) -> None:
    """Start the server; make the replica set and its users where they are missing."""
    data, port = stack.data(NAME), keep_port(stack, NAME)
    (data / "db").mkdir(parents=True, exist_ok=True)
    data.chmod(0o700)
    key = data / "key"
    if not key.exists():
        write_private(key, base64.b64encode(secrets.token_bytes(300)).decode())
        key.chmod(0o400)
    places: list[str | Path] = [
        "--dbpath",
        data / "db",
        "--keyFile",
        key,
        "--bind_ip",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    limits = ["--nounixsocket", "--oplogSize", "512", "--wiredTigerCacheSizeGB", _cache()]
    quiet = ["--quiet", "--slowms", "2000", "--setParameter", "diagnosticDataCollectionEnabled=false"]
    # A replica that is killed in a transaction keeps its locks until the server ends it: a minute by default.
    soon = ["--setParameter", f"transactionLifetimeLimitSeconds={TRANSACTION_SECONDS}"]
    stack.spawn(NAME, [mongod(), "--auth", "--replSet", SET, *places, *limits, *quiet, *soon])
    await answering(stack, NAME, lambda: _ping(port))
    if stack.once("mongo users"):
        await _make_users(stack, port)
    await answering(stack, NAME, lambda: _writable(stack))


async def _ping(port: int) -> None:
    async with _direct(port) as client:
        await client.admin.command("ping")


async def _writable(stack: Stack) -> None:
    async with AsyncMongoClient[dict[str, Any]](url(stack, ROOT, "admin"), serverSelectionTimeoutMS=4000) as client:
        await client.admin.command("ping")


async def _make_users(stack: Stack, port: int) -> None:
    # Until the first user exists, whoever comes over loopback may make it, and may begin the replica set.
    async with _direct(port) as client:
        member = {"_id": 0, "host": f"127.0.0.1:{port}"}
        try:
            await client.admin.command("replSetInitiate", {"_id": SET, "members": [member]})
        except OperationFailure as failure:
            if failure.code not in (_ALREADY, 13):  # 13: the first user is there already
                raise
        await answering(stack, NAME, lambda: _primary(client))
        with contextlib.suppress(OperationFailure):  # a first start that was interrupted had made it
            await client.admin.command("createUser", ROOT, pwd=stack.secret(f"mongo {ROOT}"), roles=["root"])
    async with AsyncMongoClient[dict[str, Any]](url(stack, ROOT, "admin"), serverSelectionTimeoutMS=10_000) as client:
        await _make_roles(stack, client)
    stack.finished("mongo users")


async def _make_roles(stack: Stack, client: AsyncMongoClient[dict[str, Any]]) -> None:
    # A test stack has a database a test, so there the roles reach all of them.
    where = "" if stack.test else DATABASE
    one = [{"role": "readWrite", "db": DATABASE}]
    everywhere = ["readWriteAnyDatabase", "dbAdminAnyDatabase"]
    find = {"resource": {"db": where, "collection": ""}, "actions": ["find"]}
    with contextlib.suppress(OperationFailure):
        await client.admin.command("dropRole", "only_find")
    await client.admin.command("createRole", "only_find", privileges=[find], roles=[])
    for user, roles in ((PROJECTOR, everywhere if stack.test else one), (VIEWS, ["only_find"])):
        with contextlib.suppress(OperationFailure):
            await client.admin.command("dropUser", user)
        await client.admin.command("createUser", user, pwd=stack.secret(f"mongo {user}"), roles=roles)


async def _primary(client: AsyncMongoClient[dict[str, Any]]) -> None:
    hello = await client.admin.command("hello")
    if not hello["isWritablePrimary"]:
        raise Trouble("not yet the primary")


def _cache() -> str:
    """Gigabytes: a sixth of the machine's memory, 1 to 4. Measured: batches, 2,380 commands/s with 1, 2,888 with 4."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{min(4.0, max(1.0, memory / 6)):.1f}"


def _direct(port: int) -> AsyncMongoClient[dict[str, Any]]:
    return AsyncMongoClient(f"mongodb://127.0.0.1:{port}/?directConnection=true", serverSelectionTimeoutMS=1000)


def mongod() -> Path | str:
    """The wheel's own program in the project's tools, else one that is installed."""
    for found in TOOLS.glob("mongod/**/fiftyone/db/bin/mongod"):
        return found
    installed = shutil.which("mongod")
    if not installed:
        raise Trouble("MongoDB is not installed: deploy/local/install.sh installs what is missing")
    return installed
