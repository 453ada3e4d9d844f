"""How the peers are tuned: their rates by the number of messages, or of companies, that they have under way at once."""

from dataclasses import replace
from functools import partial

from deploy.local import processes
from deploy.local.rabbitmq import BENCH_VHOSTS
from tests.benchmarks.bench import Bench, Measure, Row
from tests.benchmarks.results import Sample
from tests.benchmarks.rows.races import lives, sides, visible
from tests.benchmarks.rows.step import present, stored
from tests.benchmarks.subjects.naive import NAME, naive
from tests.benchmarks.subjects.system import System

_PREFETCHES = ((3, 3), (5, 5), (10, 10), (20, 20), (10, 20))  # writing, reading; the last one is that of all other rows
_AT_ONCE = (4, 8, 16)
_COMPANIES = 160  # a quarter of them lies between two commands of one company, which must not be under way together
_VHOSTS = BENCH_VHOSTS[-len(_PREFETCHES) :]  # the naive peer of other rows may rest beside these


async def run(bench: Bench) -> list[Sample]:
    """The naive peer with so many messages under way on each side, a system for each: sent to visible, then each side
    alone from a full queue. The libraries of the row `step` with so many companies under way."""
    few = 1 if bench.plan.short else None
    systems = {
        prefetches: await _tuned(bench, prefetches, vhost)
        for prefetches, vhost in list(zip(_PREFETCHES, _VHOSTS, strict=True))[:few]
    }
    plan = replace(bench.plan, rounds=min(2, bench.plan.rounds))
    measures: dict[str, Measure] = {
        system.name: partial(_measured, bench, system, "{}/{}".format(*prefetches))
        for prefetches, system in systems.items()
    }
    for library in present(bench):
        for at_once in list(_AT_ONCE)[:few]:
            name = f"{library.name}, {at_once}"
            measures[name] = partial(stored, bench, library, at_once, name)
    samples = await bench.alternate(measures, plan)
    for system in systems.values():
        await system.close()
        for side in system.processes:
            processes.end(bench.servers.stack.processes[f"{system.name}-{side.rpartition(' ')[2]}"])
    return samples


async def _tuned(bench: Bench, prefetches: tuple[int, int], vhost: str) -> System:
    write, read = prefetches
    variables = {"NAIVE_WRITE_PREFETCH": str(write), "NAIVE_READ_PREFETCH": str(read)}
    system = await naive(bench.servers, variables, f"{NAME}_{write}_{read}", vhost)
    system.rest()
    return system


async def _measured(bench: Bench, system: System, tuned: str) -> list[Sample]:
    names = (f"{NAME} write side, {tuned}", f"{NAME} read side, {tuned}")
    return [
        *await visible(bench, system, lives(bench, _COMPANIES), name=f"{NAME}, {tuned}"),
        *await sides(bench, system, lives(bench, _COMPANIES), names),
    ]


ROW = Row("tuning", "peers by how much they have under way", run, by_default=False, alone=True)
