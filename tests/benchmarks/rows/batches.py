"""Commands in messages of a hundred, from the first publish to the last command's documents."""

from contextlib import AsyncExitStack

from tests.benchmarks.bench import Bench, Row
from tests.benchmarks.meter import metered
from tests.benchmarks.peers.played import SIDES
from tests.benchmarks.results import Goal, Sample
from tests.benchmarks.rows.races import Job, lives, visible
from tests.benchmarks.sending import started_with
from tests.benchmarks.stores import Wrong
from tests.benchmarks.subjects.registrar import DATABASE
from tests.benchmarks.subjects.system import System

PLAYED = "bare drivers"
_BATCH = 100


async def run(bench: Bench) -> list[Sample]:
    """As `single`, with a hundred commands a message for Registrar; the naive peer knows single commands only.

    `bare drivers` play the statements of such a run, made beforehand: no service, and no broker.
    """
    ours, naive = await bench.registrar(), await bench.naive()
    return await bench.alternate(
        {
            "registrar": lambda: visible(bench, ours, lives(bench, 8000), batch=_BATCH),
            PLAYED: lambda: played(bench, ours, lives(bench, 8000)),
            "naive": lambda: visible(bench, naive, lives(bench, 200)),
        }
    )


async def played(bench: Bench, ours: System, job: Job) -> list[Sample]:
    """Commands a second of the statements alone, in Registrar's own databases while its services rest."""
    urls = {"write": bench.servers.postgres(DATABASE), "read": bench.servers.mongo(DATABASE)}
    async with AsyncExitStack() as stack:
        sides = {}
        for side in SIDES:
            task = {**job, "side": side, "url": urls[side], "batch": _BATCH}
            sides[side] = await stack.enter_async_context(started_with(task, "tests.benchmarks.peers.played", {}))
        pids = {f"{PLAYED}, {side}": started.process.pid for side, started in sides.items()}
        await ours.mark()
        async with metered({**pids, **bench.servers.pids()}) as usage:
            for started in sides.values():
                started.begin()
            moments = [await started.sent() for started in sides.values()]
    await ours.check()
    count = sides["write"].commands
    if (arrived := await ours.documents.visible(count)) != count:
        raise Wrong(f"{PLAYED}: {arrived} events are there of {count} commands")
    seconds = max(ended for _, ended in moments) - min(began for began, _ in moments)
    each = {f"{side} side/s": count / (ended - began) for side, (began, ended) in zip(sides, moments, strict=True)}
    return [Sample(PLAYED, {"commands/s": count / seconds, **each}, count, seconds, usage)]


ROW = Row("batches", "commands in batches of 100, sent → visible", run, (Goal("commands/s", "naive", least=60),))
