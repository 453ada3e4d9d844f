"""How the naive peer is tuned: its rate by the number of messages that each of its sides takes at once."""

from dataclasses import replace
from functools import partial

from deploy.local import processes
from tests.benchmarks.bench import Bench, Row
from tests.benchmarks.results import Sample
from tests.benchmarks.rows.races import Job, visible
from tests.benchmarks.subjects.naive import NAME, naive
from tests.benchmarks.subjects.system import System
from tests.benchmarks.workload import FEWEST

_PREFETCHES = (1, 5, 10, 20, 50)
_COMPANIES = 260  # a quarter of them lies between two commands of one company, which must not be under way together
_VHOST = "test_8"  # the naive peer of other rows may rest beside this one


async def run(bench: Bench) -> list[Sample]:
    """The naive peer with so many messages under way on each side, sent to visible."""
    samples: list[Sample] = []
    for prefetch in _PREFETCHES[: bench.plan.count(len(_PREFETCHES), 2)]:
        tuned = {"NAIVE_WRITE_PREFETCH": str(prefetch), "NAIVE_READ_PREFETCH": str(prefetch)}
        system = await naive(bench.servers, tuned, f"{NAME}_{prefetch}", _VHOST)
        plan = replace(bench.plan, rounds=min(2, bench.plan.rounds))
        samples += await bench.alternate({NAME: partial(_measured, bench, system, prefetch)}, plan)
        await system.close()
        for side in (*system.writers, *system.readers, *system.queries):
            processes.end(bench.servers.stack.processes[f"{system.name}-{side.rpartition(' ')[2]}"])
    return samples


async def _measured(bench: Bench, system: System, prefetch: int) -> list[Sample]:
    job: Job = {"kind": "lives", "seed": bench.seed(), "companies": bench.plan.count(_COMPANIES, FEWEST)}
    return await visible(bench, system, job, name=f"naive, {prefetch}")


ROW = Row("tuning", "the naive peer by its prefetch", run, by_default=False, alone=True)
