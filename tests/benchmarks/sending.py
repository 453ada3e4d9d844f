"""The harness's end of the load generator."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aio_pika

from tests.benchmarks import workload
from tests.benchmarks.subjects.starting import ROOT

WINDOW = 200  # messages that wait for their confirm at once


@dataclass
class Load:
    """A load generator that has built its messages and waits."""

    process: asyncio.subprocess.Process
    commands: int
    spent: float = 0.0  # seconds of processor time until the last confirm, where it tells

    async def send(self) -> tuple[float, float]:
        """Publish everything; the moments of the first publish and of the last confirm."""
        self.begin()
        return await self.sent()

    def begin(self) -> None:
        """Let it publish."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"go\n")

    async def sent(self) -> tuple[float, float]:
        """The moments of the first publish and of the last confirm, once all is confirmed."""
        moments = await _line(self.process)
        self.spent = moments.get("cpu", 0.0)
        return moments["began"], moments["confirmed"]


@contextlib.asynccontextmanager
async def prepared(url: str, commands: dict[str, Any], *, batch: int = 1) -> AsyncIterator[Load]:
    """A load generator with these commands ready; ended after the block."""
    job = {"url": url, "exchange": "commands", "window": WINDOW, "commands": commands, "batch": batch}
    async with started_with(job, "tests.benchmarks.load", {}) as load:
        yield load


@contextlib.asynccontextmanager
async def started_with(job: dict[str, Any], module: str, environment: Mapping[str, str]) -> AsyncIterator[Load]:
    """A process of this module that has taken its job and waits for the word to begin; ended after the block."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, stdin=pipe, stdout=pipe, limit=2**20, cwd=ROOT, env=dict(environment)
    )
    try:
        assert process.stdin is not None
        process.stdin.write(json.dumps(job).encode() + b"\n")
        yield Load(process, (await _line(process))["commands"])
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()


def message_of(command: dict[str, Any]) -> aio_pika.Message:
    """A message of one command."""
    return aio_pika.Message(
        json.dumps(command).encode(),
        content_type=workload.SINGLE,
        type=command["type"],
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )


async def _line(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), timeout=300)
    if not line:
        raise RuntimeError(f"the load generator ended with {await process.wait()}")
    found: dict[str, Any] = json.loads(line)
    return found
