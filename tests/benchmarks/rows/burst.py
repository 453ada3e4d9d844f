"""A burst of a hundred thousand commands: the time until all are visible, and the memory of the services meanwhile."""

from tests.benchmarks.bench import Bench, Row
from tests.benchmarks.meter import memory_of
from tests.benchmarks.racing import drained, fill
from tests.benchmarks.results import Goal, Sample
from tests.benchmarks.rows.races import lives

_MIB = 150


async def run(bench: Bench) -> list[Sample]:
    """A hundred thousand messages wait while both services rest; then both wake. The most memory that each had until
    all was visible, and how much more that is than before."""
    system = await bench.registrar()
    await system.mark()
    before = {name: memory_of(pid) for name, pid in system.processes.items()}
    count = await fill(system.amqp, lives(bench, 100_000 // 6))
    race = await drained(count, system.wake, system.documents.visible, {**system.processes, **bench.servers.pids()})
    await system.check()
    system.rest()
    figures = {"commands/s": race.rate, "seconds": race.seconds}
    for name, memory in before.items():
        side = name.partition("-")[0]
        figures |= {
            f"{side} MiB": race.usage.memory[name],
            f"{side} MiB more": race.usage.memory[name] - memory,
        }
    sample = Sample(system.name, figures, race.count, race.seconds, race.usage)
    bench.say(f"  {sample}")
    return [sample]


ROW = Row(
    "burst",
    "100,000 commands wait, then all are drained",
    run,
    (Goal("write MiB", most=_MIB), Goal("read MiB", most=_MIB)),
)
