"""Races that several rows run: a system from end to end, its sides alone, a ceiling."""

from typing import Any

from tests.benchmarks.bench import Bench
from tests.benchmarks.racing import Race, drained, fill, sent
from tests.benchmarks.results import Sample
from tests.benchmarks.subjects.noop import NoOp
from tests.benchmarks.subjects.system import System
from tests.benchmarks.workload import FEWEST

Job = dict[str, Any]


def lives(bench: Bench, companies: int) -> Job:
    """Six commands a company, of companies that nobody has seen."""
    return {"kind": "lives", "seed": bench.seed(), "companies": bench.plan.count(companies, FEWEST)}


async def visible(bench: Bench, system: System, job: Job, batch: int = 1, name: str | None = None) -> list[Sample]:
    """Commands a second of a system: from the first publish to the last command's documents."""
    system.wake()
    await system.mark()
    pids = {**system.processes, **bench.servers.pids()}
    race = await sent(system.amqp, job, system.documents.visible, pids, batch=batch)
    await system.check()
    system.rest()
    return [of(name or system.name, race)]


async def sides(bench: Bench, system: System, job: Job, names: tuple[str, str]) -> list[Sample]:
    """The write side alone, from a full queue until all events are confirmed; then the read side, from its own."""
    await system.mark()
    servers = bench.servers.pids()
    count = await fill(system.amqp, job)
    written = await drained(
        count, lambda: system.wake(system.writers), system.log.confirmed, {**system.writers, **servers}
    )
    system.rest(system.writers)
    read = await drained(
        count, lambda: system.wake(system.readers), system.documents.visible, {**system.readers, **servers}
    )
    await system.check()
    system.rest()
    return [of(names[0], written), of(names[1], read, "events/s")]


async def taken(bench: Bench, ceiling: NoOp, job: Job) -> list[Sample]:
    """Commands taken by a no-op while they are being sent."""
    ceiling.wake()
    ceiling.mark()
    pids = {ceiling.name: ceiling.pid, **bench.servers.pids()}
    race = await sent(ceiling.amqp, job, ceiling.taken, pids)
    await ceiling.check(race.count)
    ceiling.rest()
    return [of(ceiling.name, race)]


async def emptied(bench: Bench, ceiling: NoOp, job: Job) -> list[Sample]:
    """Commands taken by a no-op from a full queue."""
    ceiling.mark()
    count = await fill(ceiling.amqp, job)
    race = await drained(count, ceiling.wake, ceiling.taken, {ceiling.name: ceiling.pid, **bench.servers.pids()})
    await ceiling.check(count)
    ceiling.rest()
    return [of(ceiling.name, race)]


def of(subject: str, race: Race, rate: str = "commands/s") -> Sample:
    """A race as a sample."""
    return Sample(subject, {rate: race.rate}, race.count, race.seconds, race.usage)
