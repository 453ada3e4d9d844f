"""Queries one after another, over HTTP and over the bus."""

import json
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import aio_pika

from tests.benchmarks import workload
from tests.benchmarks.asking import bus, http, percentiles
from tests.benchmarks.bench import Bench, Plan, Row
from tests.benchmarks.meter import metered
from tests.benchmarks.results import Goal, Sample
from tests.benchmarks.rows.hot import registered
from tests.benchmarks.stores import Wrong
from tests.benchmarks.subjects.bare import Bare, bare
from tests.benchmarks.subjects.naive import NAME as NAIVE
from tests.benchmarks.subjects.noop import NoOp
from tests.benchmarks.subjects.system import System

_COMPANIES = 200
_SHARES = (50, 99, 99.9)
_TIMES = 3  # as many rounds as other rows: of two thousand answers in a round, twenty make the p99


async def run(bench: Bench) -> list[Sample]:
    """One client asks for one company after the other and never waits in a line: over HTTP on a connection that stays
    open, and over the bus; the first time around is not counted, for heartbeats and timers of all that stood still
    fire at once. The bare read answers the document over HTTP without anything around it; the echo answers with the
    question over a classic queue, as those of queries are: what the bus itself takes."""
    ours, naive, echo = await bench.registrar(), await bench.naive(), await bench.noop("echo_classic")
    seed, companies = bench.seed(), bench.plan.count(_COMPANIES, 20)
    for system in (ours, naive):
        await registered(system, seed, companies, batch=1)
    reads = await bare(bench.servers, NAIVE, "companies")
    ids = [workload.company_id(number, seed) for number in range(companies)]
    return await bench.alternate(
        {
            "registrar": partial(asked, bench, ours, ids),
            "naive": partial(asked, bench, naive, ids),
            "bare": partial(read, bench, reads, ids),
            "echo": partial(echoed, bench, echo, ids),
        },
        bench.plan.oftener(_TIMES),
    )


async def asked(bench: Bench, system: System, ids: list[str]) -> list[Sample]:
    """How long answers take over HTTP and over the bus; each is the company that was asked for."""
    over_http, over_bus = list[float](), list[float]()
    system.wake()
    async with (
        metered({**system.processes, **bench.servers.pids()}, watched=False) as usage,
        http(system.http) as connection,
        bus(system.amqp) as client,
    ):
        began = time.monotonic()
        for company_id in repeated(bench.plan, ids):
            over_http.append(await _timed_get(connection.get, company_id, "company_id"))
            start = time.monotonic()
            reply = await client.ask("company.get.v1", {"company_id": company_id})
            over_bus.append(time.monotonic() - start)
            if reply["result"]["company_id"] != company_id:
                raise Wrong(f"{system.name}: asked for {company_id}, got {reply}")
        seconds = time.monotonic() - began
    system.rest()
    figures = percentiles("HTTP", counted(over_http, ids), _SHARES)
    figures |= percentiles("bus", counted(over_bus, ids), _SHARES)
    return [Sample(system.name, figures, len(over_http), seconds, usage)]


async def read(bench: Bench, reads: Bare, ids: list[str]) -> list[Sample]:
    """How long the bare read's answers take."""
    pids = {"bare read": reads.pid, **bench.servers.pids()}
    async with metered(pids, watched=False) as usage, http(reads.http) as connection:
        began = time.monotonic()
        took = [await _timed_get(connection.get, company_id, "_id") for company_id in repeated(bench.plan, ids)]
        seconds = time.monotonic() - began
    return [Sample("bare read", percentiles("HTTP", counted(took, ids), _SHARES), len(took), seconds, usage)]


async def echoed(bench: Bench, echo: NoOp, ids: list[str]) -> list[Sample]:
    """How long the echo's answers take."""
    took = list[float]()
    echo.wake()
    pids = {echo.name: echo.pid, **bench.servers.pids()}
    async with metered(pids, watched=False) as usage, bus(echo.amqp) as client:
        began = time.monotonic()
        for company_id in repeated(bench.plan, ids):
            question = aio_pika.Message(json.dumps({"company_id": company_id}).encode())
            start = time.monotonic()
            answer = await client.request("commands", question, "company.get.v1")
            took.append(time.monotonic() - start)
            if answer != question.body:
                raise Wrong(f"asked the echo for {company_id}, got {answer[:200].decode()}")
        seconds = time.monotonic() - began
    echo.rest()
    return [Sample("echo", percentiles("bus", counted(took, ids), _SHARES), len(took), seconds, usage)]


def repeated(plan: Plan, ids: list[str]) -> list[str]:
    """Once around, which is not counted, and then as often as the plan wants."""
    return ids * (1 + max(1, round(10 * plan.size)))


def counted(took: Sequence[float], ids: list[str]) -> Sequence[float]:
    """What was measured from the second time around."""
    return took[len(ids) :]


async def _timed_get(get: Callable[[str], Awaitable[bytes]], company_id: str, key: str) -> float:
    began = time.monotonic()
    body = await get(f"/companies/{company_id}")
    took = time.monotonic() - began
    if json.loads(body)[key] != company_id:
        raise Wrong(f"asked for {company_id}, got {body[:200].decode()}")
    return took


ROW = Row("queries", "queries one after another", run, (Goal("HTTP p99 ms", "naive", most=1),))
