"""Commands in messages of a hundred, from the first publish to the last command's documents."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from tests.benchmarks.bench import Bench, Row
from tests.benchmarks.meter import metered
from tests.benchmarks.peers.played import SERVICES, SIDES, STATEMENTS
from tests.benchmarks.results import Goal, Sample
from tests.benchmarks.rows.races import Job, lives, visible
from tests.benchmarks.sending import Load, started_with
from tests.benchmarks.stores import Wrong
from tests.benchmarks.subjects.registrar import DATABASE
from tests.benchmarks.subjects.system import System

PLAYED, THOUGHT = "bare drivers", "services alone"
_BATCH = 100


async def run(bench: Bench) -> list[Sample]:
    """As `single`, with a hundred commands a message for Registrar; the naive peer knows single commands only.

    `bare drivers` play the statements of such a run, made beforehand: no service, and no broker. `services alone` do
    what both services do between servers, on both cores at the same time: no server, and no driver.
    """
    ours, naive = await bench.registrar(), await bench.naive()
    return await bench.alternate(
        {
            "registrar": lambda: visible(bench, ours, lives(bench, 8000), batch=_BATCH),
            PLAYED: lambda: played(bench, ours, lives(bench, 8000)),
            THOUGHT: lambda: thought(bench, lives(bench, 8000)),
            "naive": lambda: visible(bench, naive, lives(bench, 200)),
        }
    )


async def played(bench: Bench, ours: System, job: Job) -> list[Sample]:
    """Commands a second of the statements alone, in Registrar's own databases while its services rest."""
    urls = {"write": bench.servers.postgres(DATABASE), "read": bench.servers.mongo(DATABASE)}
    async with _started(job, STATEMENTS, urls) as sides:
        await ours.mark()
        sample = await _measured(bench, PLAYED, sides)
    await ours.check()
    if (arrived := await ours.documents.visible(sample.count)) != sample.count:
        raise Wrong(f"{PLAYED}: {arrived} events are there of {sample.count} commands")
    return [sample]


async def thought(bench: Bench, job: Job) -> list[Sample]:
    """Commands a second of what the services do between their servers. Nothing of it is stored anywhere."""
    async with _started(job, SERVICES, dict.fromkeys(SIDES, "")) as sides:
        return [await _measured(bench, THOUGHT, sides)]


@asynccontextmanager
async def _started(job: Job, part: str, urls: Mapping[str, str]) -> AsyncIterator[dict[str, Load]]:
    """A process for each side that has made all that it needs, and waits."""
    async with AsyncExitStack() as stack:
        tasks = [{**job, "side": side, "part": part, "url": urls[side], "batch": _BATCH} for side in SIDES]
        module = "tests.benchmarks.peers.played"
        entered = (stack.enter_async_context(started_with(task, module, {})) for task in tasks)
        yield dict(zip(SIDES, await asyncio.gather(*entered), strict=True))


async def _measured(bench: Bench, name: str, sides: Mapping[str, Load]) -> Sample:
    pids = {f"{name}, {side}": started.process.pid for side, started in sides.items()}
    async with metered({**pids, **bench.servers.pids()}) as usage:
        for started in sides.values():
            started.begin()
        moments = [await started.sent() for started in sides.values()]
    usage.cpu |= {f"{name}, {side}": round(started.spent, 3) for side, started in sides.items()}
    count = sides["write"].commands
    seconds = max(ended for _, ended in moments) - min(began for began, _ in moments)
    each = {f"{side} side/s": count / (ended - began) for side, (began, ended) in zip(sides, moments, strict=True)}
    return Sample(name, {"commands/s": count / seconds, **each}, count, seconds, usage)


ROW = Row("batches", "commands in batches of 100, sent → visible", run, (Goal("commands/s", "naive", least=60),))
