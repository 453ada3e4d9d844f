"""How the naive peer is tuned: its rate by the number of messages that each of its sides takes at once."""

from functools import partial

from deploy.local import processes
from tests.benchmarks.bench import Bench, Row
from tests.benchmarks.results import Sample
from tests.benchmarks.rows.races import lives, visible
from tests.benchmarks.subjects.naive import NAME, naive
from tests.benchmarks.subjects.system import System

_PREFETCHES = (1, 5, 10, 20, 50)


async def run(bench: Bench) -> list[Sample]:
    """The naive peer with so many messages under way on each side, sent to visible."""
    samples: list[Sample] = []
    for prefetch in _PREFETCHES:
        tuned = {"NAIVE_WRITE_PREFETCH": str(prefetch), "NAIVE_READ_PREFETCH": str(prefetch)}
        system = await naive(bench.servers, tuned, f"{NAME}_{prefetch}")
        samples += await bench.alternate({NAME: partial(_measured, bench, system, prefetch)})
        await system.close()
        for side in (*system.writers, *system.readers, *system.queries):
            processes.end(bench.servers.stack.processes[f"{system.name}-{side.rpartition(' ')[2]}"])
    return samples


async def _measured(bench: Bench, system: System, prefetch: int) -> list[Sample]:
    return await visible(bench, system, lives(bench, 200), name=f"naive, {prefetch}")


ROW = Row("tuning", "the naive peer by its prefetch", run, by_default=False, alone=True)
