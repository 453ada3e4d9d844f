"""Replicas from one to four, each side alone."""

from dataclasses import replace
from functools import partial

from tests.benchmarks.bench import Bench, Row
from tests.benchmarks.results import Sample, cores
from tests.benchmarks.rows.hot import registered
from tests.benchmarks.rows.races import sides

REPLICAS = (1, 2, 3, 4)


async def run(bench: Bench) -> list[Sample]:
    """Changes of two thousand companies wait in the queue; so many writers commit and publish them while the readers
    rest, then as many readers project them while the writers rest. The cores that services
    and servers kept busy tell which of them is the limit."""
    seed, companies = bench.seed(), bench.plan.count(2000, 50)
    await registered(await bench.registrar(), seed, companies)
    replicas = REPLICAS if bench.plan.size >= 1 else REPLICAS[:2]
    # Every measurement begins with fresh processes, so that there is nothing to warm up.
    plan = replace(bench.plan, warmups=0, rounds=min(2, bench.plan.rounds))
    return await bench.alternate({str(n): partial(_measured, bench, n, seed, companies) for n in replicas}, plan)


async def _measured(bench: Bench, replicas: int, seed: int, companies: int) -> list[Sample]:
    system = await bench.registrar(write=replicas, read=replicas)
    job = {
        "kind": "changes",
        "seed": bench.seed(),
        "companies": companies,
        "count": bench.plan.count(12_000, 200),
        "of": seed,
    }
    names = (f"writers, {replicas}", f"readers, {replicas}")
    return [_with_share(sample) for sample in await sides(bench, system, job, names)]


def _with_share(sample: Sample) -> Sample:
    """The sample, with the cores that its services and its servers kept busy."""
    busy = cores([sample])
    ours = sum(value for name, value in busy.items() if "service" in name)
    sample.figures.update({"services' cores": ours, "servers' cores": sum(busy.values()) - ours})
    return sample


ROW = Row("scale", "replicas of each side alone", run)
