"""A thousand, a hundred thousand and a million companies: commands, and reads with two hundred in flight."""

import json
import random
import time
from functools import partial

from tests.benchmarks import stocking, workload
from tests.benchmarks.asking import percentiles, timed
from tests.benchmarks.bench import Bench, Row
from tests.benchmarks.meter import metered
from tests.benchmarks.results import Goal, Sample
from tests.benchmarks.rows.hot import registered
from tests.benchmarks.rows.races import visible
from tests.benchmarks.subjects.bare import bare
from tests.benchmarks.subjects.registrar import DATABASE
from tests.benchmarks.subjects.system import System

SIZES = (1_000, 100_000, 1_000_000)
IN_FLIGHT = 200


async def run(bench: Bench) -> list[Sample]:
    """Companies are put into Postgres and MongoDB in bulk, then changed by commands, sent to visible; then asked for,
    one each time, over HTTP on two hundred connections that are always busy. The bare read answers the same documents
    of the same collection behind the same HTTP server."""
    system, samples, stocked = await bench.registrar(), list[Sample](), 0
    seed = bench.seed()
    await registered(system, seed, 1)
    reads = await bare(bench.servers, DATABASE, system.documents.named("companies"))
    for full in SIZES:
        if (companies := bench.plan.stored(full)) == stocked:
            continue
        stocked = companies
        await _stock(bench, system, workload.company_id(0, seed), companies)
        name = f"{full:,}"
        samples += await bench.alternate(
            {
                "commands": partial(_changed, bench, system, companies, f"commands, {name}"),
                "read": partial(_asked_registrar, bench, system, companies, f"registrar, {name}"),
                "bare": partial(_asked, bench, {"bare read": reads.pid}, reads.http, companies, f"bare read, {name}"),
            }
        )
    return samples


async def _stock(bench: Bench, system: System, template: str, companies: int) -> None:
    began = time.monotonic()
    postgres, mongo = bench.servers.postgres(DATABASE), bench.servers.mongo(DATABASE)
    await stocking.companies(postgres, mongo, system.documents, template, companies)
    bench.say(f"  {companies:,} companies are stored ({time.monotonic() - began:.0f} s)")


async def _changed(bench: Bench, system: System, companies: int, name: str) -> list[Sample]:
    count = bench.plan.count(12_000, 100)
    job = {"kind": "changes", "seed": bench.seed(), "companies": companies, "count": count}
    return await visible(bench, system, job, name=name)


async def _asked_registrar(bench: Bench, system: System, companies: int, name: str) -> list[Sample]:
    system.wake(system.readers)
    samples = await _asked(bench, system.readers, system.http, companies, name)
    system.rest()
    return samples


async def _asked(bench: Bench, pids: dict[str, int], http: str, companies: int, name: str) -> list[Sample]:
    chance = random.Random(bench.seed())
    asked = [workload.stored_id(chance.randrange(companies)) for _ in range(bench.plan.count(6000, IN_FLIGHT))]
    # Two hundred at once before the clock runs: heartbeats and timers of all that stood still fire at once.
    await timed(http, map(_path, asked[:IN_FLIGHT]), IN_FLIGHT, _is_asked_for)
    async with metered({**pids, **bench.servers.pids()}) as usage:
        began = time.monotonic()
        took = await timed(http, map(_path, asked), IN_FLIGHT, _is_asked_for)
        seconds = time.monotonic() - began
    figures = {"requests/s": len(took) / seconds} | percentiles("GET", took)
    return [Sample(name, figures, len(took), seconds, usage)]


def _path(company_id: str) -> str:
    return f"/companies/{company_id}"


def _is_asked_for(path: str, body: bytes) -> bool:
    found = json.loads(body) or {}  # the bare read says null where there is none
    return path.endswith(str(found.get("company_id") or found.get("_id")))


ROW = Row(
    "sizes",
    f"by the number of companies: commands sent → visible; GET one company, {IN_FLIGHT} in flight",
    run,
    tuple(
        Goal("GET p99 ms", f"bare read, {size:,}", most=2, of=f"registrar, {size:,}") for size in (SIZES[0], SIZES[-1])
    ),
    alone=True,
)
