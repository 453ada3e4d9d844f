"""Single-command messages, from the first publish to the last command's documents."""

from tests.benchmarks.bench import Bench, Row
from tests.benchmarks.racing import Race, sent
from tests.benchmarks.results import Goal, Sample
from tests.benchmarks.subjects.naive import naive
from tests.benchmarks.subjects.noop import NoOp, noop
from tests.benchmarks.subjects.registrar import registrar
from tests.benchmarks.subjects.system import System


async def run(bench: Bench) -> list[Sample]:
    """All processes run and are idle; one load generator publishes six commands a company over many companies, with
    200 waiting for their confirm; the clock starts at the first publish and stops when the documents hold the last
    event (the ceiling: when the last message was taken)."""
    ours, peer, ceiling = (
        await registrar(bench.servers),
        await naive(bench.servers),
        await noop(bench.servers, "faststream"),
    )
    samples = await bench.alternate(
        {
            "registrar": lambda: visible(bench, ours, 3000),
            "naive": lambda: visible(bench, peer, 300),
            "ceiling": lambda: taken(bench, ceiling, 5000),
        }
    )
    await ours.close()
    await peer.close()
    return samples


async def visible(bench: Bench, system: System, companies: int, batch: int = 1) -> Sample:
    """Commands a second of a system, sent to visible."""
    job = {"kind": "lives", "seed": bench.seed(), "companies": bench.plan.count(companies, 40)}
    system.wake()
    await system.mark()
    pids = {**system.processes, **bench.servers.pids()}
    race = await sent(system.amqp, job, system.documents.visible, pids, batch=batch)
    await system.check()
    system.rest()
    return of(system.name, race)


async def taken(bench: Bench, ceiling: NoOp, companies: int) -> Sample:
    """The same commands, taken by a no-op."""
    job = {"kind": "lives", "seed": bench.seed(), "companies": bench.plan.count(companies, 40)}
    ceiling.mark()
    pids = {ceiling.name: ceiling.pid, **bench.servers.pids()}
    return of(ceiling.name, await sent(ceiling.amqp, job, ceiling.taken, pids))


def of(subject: str, race: Race) -> Sample:
    """A race as a sample."""
    return Sample(subject, {"commands/s": race.rate}, race.count, race.usage)


ROW = Row(
    "single",
    "single-command messages, sent → visible",
    run,
    (Goal("commands/s", "naive", least=15), Goal("commands/s", "noop-faststream", least=0.5)),
)
