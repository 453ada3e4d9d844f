"""A replica set of three members on loopback, quick to elect, without passwords: it lives for one test."""

import contextlib
import os
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import AutoReconnect

from deploy.local import mongo, processes
from deploy.local.stack import free_port
from tests.support.eventually import eventually
from tests.support.servers import test_root

SET = "three"
_LIGHT = ["--oplogSize", "64", "--wiredTigerCacheSizeGB", "0.25", "--nounixsocket", "--quiet"]
# An election takes ten seconds of silence by default.
_QUICK = {"electionTimeoutMillis": 2000, "heartbeatIntervalMillis": 300}


class ThreeMongods:
    """The members, and who of them is the primary."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ports = [free_port() for _ in range(3)]
        self.members: dict[int, processes.Known] = {}

    @property
    def url(self) -> str:
        """The address of a database on the set."""
        members = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        return f"mongodb://{members}/registrar?replicaSet={SET}"

    def start(self, port: int) -> None:
        """Start a member, or start it again."""
        data = self._folder / str(port)
        data.mkdir(parents=True, exist_ok=True)
        place: list[str | Path] = ["--replSet", SET, "--bind_ip", "127.0.0.1", "--port", str(port), "--dbpath", data]
        self.members[port] = processes.spawn([mongo.mongod(), *place, *_LIGHT], self._folder / f"{port}.log", _marked())

    async def form(self) -> None:
        """Make them one set, and wait for its primary."""
        members = [{"_id": number, "host": f"127.0.0.1:{port}"} for number, port in enumerate(self.ports)]
        begin = {"replSetInitiate": {"_id": SET, "members": members, "settings": _QUICK}}
        for port in self.ports:  # all of them: a set is refused when one does not listen yet
            async with direct(port) as client:
                await client.admin.command("ping")
        async with direct(self.ports[0]) as client:
            await client.admin.command(begin)
        await self.primary()

    async def primary(self) -> int:
        """The port of the member that takes writes, once there is one."""

        async def found() -> int | None:
            for port, member in self.members.items():
                if processes.alive(member):
                    async with direct(port) as client:
                        with contextlib.suppress(AutoReconnect):
                            if (await client.admin.command("hello"))["isWritablePrimary"]:
                                return port
            return None

        port = await eventually(found, within=30, every=0.1)
        assert port is not None
        return port

    async def step_down(self) -> None:
        """The primary gives up its place to another."""
        before = await self.primary()
        async with direct(before) as client:
            with contextlib.suppress(AutoReconnect):
                # By force: right after an election it may hold nobody for electable, though all are level with it.
                step_down = {"replSetStepDown": 10, "secondaryCatchUpPeriodSecs": 5, "force": True}
                await client.admin.command(step_down)
        await eventually(self.primary, until=lambda port: port != before, within=30)

    async def kill_primary(self) -> None:
        """The primary dies and is started again; another one takes its place, or it does so itself."""
        port = await self.primary()
        processes.end(self.members[port], signal.SIGKILL)
        self.start(port)
        await self.primary()


def _marked() -> dict[str, str]:
    # Whatever a killed test run leaves behind goes down with its servers.
    return {**os.environ, processes.MARK: str(test_root().resolve())}


@contextlib.asynccontextmanager
async def direct(port: int) -> AsyncIterator[AsyncMongoClient[dict[str, Any]]]:
    """A client of this one member."""
    where = f"mongodb://127.0.0.1:{port}/?directConnection=true"
    async with AsyncMongoClient[dict[str, Any]](where, serverSelectionTimeoutMS=20_000) as client:
        yield client


@contextlib.asynccontextmanager
async def three_mongods(folder: Path) -> AsyncIterator[ThreeMongods]:
    """A set that stands while the block runs, and leaves nothing behind."""
    made = ThreeMongods(folder)
    try:
        for port in made.ports:
            made.start(port)
        await made.form()
        yield made
    finally:
        for member in made.members.values():
            processes.end(member, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)
