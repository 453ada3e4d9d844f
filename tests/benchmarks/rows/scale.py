"""Replicas from one to four, each side alone."""

from dataclasses import replace
from functools import partial

from tests.benchmarks.bench import Bench, Row
from tests.benchmarks.results import Sample, cores
from tests.benchmarks.rows.hot import registered
from tests.benchmarks.rows.races import Job, sides

REPLICAS = (1, 2, 3, 4)


async def run(bench: Bench) -> list[Sample]:
    """Changes of two thousand companies wait in the queue; so many writers commit and publish them while the readers
    rest, then as many readers project them while the writers rest. The cores that services
    and servers kept busy tell which of them is the limit."""
    seed, companies = bench.seed(), bench.plan.count(2000, 50)
    await registered(await bench.registrar(), seed, companies)
    replicas = REPLICAS[:2] if bench.plan.short else REPLICAS
    plan = replace(bench.plan, warmups=0, rounds=min(2, bench.plan.rounds))
    return await bench.alternate({str(n): partial(_measured, bench, n, seed, companies) for n in replicas}, plan)


async def _measured(bench: Bench, replicas: int, seed: int, companies: int) -> list[Sample]:
    system = await bench.registrar(write=replicas, read=replicas)
    names = (f"writers, {replicas}", f"readers, {replicas}")
    # Of these replicas some have worked before and some have just been started.
    await sides(bench, system, _changes(bench, seed, companies, 1_200 * replicas), names)
    samples = await sides(bench, system, _changes(bench, seed, companies, 12_000), names)
    return [_with_share(sample) for sample in samples]


def _changes(bench: Bench, seed: int, companies: int, count: int) -> Job:
    changes = {"kind": "changes", "seed": bench.seed(), "companies": companies, "of": seed}
    return {**changes, "count": bench.plan.count(count, 200)}


def _with_share(sample: Sample) -> Sample:
    """The sample, with the cores that its services and its servers kept busy."""
    busy = cores([sample])
    ours = sum(value for name, value in busy.items() if "service" in name)
    sample.figures.update({"services' cores": ours, "servers' cores": sum(busy.values()) - ours})
    return sample


ROW = Row("scale", "replicas of each side alone", run)
