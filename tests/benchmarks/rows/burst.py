"""A burst of a hundred thousand commands: the time until all are visible, and the memory of the services meanwhile."""

from collections.abc import Iterable

from tests.benchmarks.bench import Bench, Row
from tests.benchmarks.racing import Race, crossed, drained, fill
from tests.benchmarks.results import Goal, Sample
from tests.benchmarks.rows.races import lives
from tests.benchmarks.subjects.system import System

_MIB, _FLAT = 150, 15
_BURST, _BEFORE = 100_000, 10_000
_EVENTS = f"{_BURST:,} events wait"
_READ = {"read MiB": _MIB, "read MiB more": _FLAT}


async def run(bench: Bench) -> list[Sample]:
    """A hundred thousand messages wait while both services rest; then both wake. Once more, with the readers at rest
    until as many events wait for them. The most memory that each had until all was visible, and how much more that is
    than in a burst of a tenth, the same way and before it on the same processes, which are new: by how much memory
    grows with what waits."""
    system = await _fresh(bench)
    small, large = await _drained(bench, system, _BEFORE), await _drained(bench, system, _BURST)
    samples = [_sample(system.name, "commands/s", small, large, system.processes)]
    system = await _fresh(bench)
    small = await _drained(bench, system, _BEFORE, writers_first=True)
    large = await _drained(bench, system, _BURST, writers_first=True)
    samples.append(_sample(_EVENTS, "events/s", small, large, system.readers))  # the clock finds the writers done
    for sample in samples:
        bench.say(f"  {sample}")
    return samples


async def _fresh(bench: Bench) -> System:
    """Registrar in new processes, for what has worked before has the memory that it needed for that."""
    if not bench.plan.short:
        await bench.registrar(write=0, read=0)
    return await bench.registrar()


async def _drained(bench: Bench, system: System, commands: int, *, writers_first: bool = False) -> Race:
    await system.mark()
    servers, count = bench.servers.pids(), await fill(system.amqp, lives(bench, commands // 6))
    if writers_first:
        system.wake(system.writers)
        await crossed(system.log.confirmed, count)
    race = await drained(count, system.wake, system.documents.visible, {**system.processes, **servers})
    await system.check()
    system.rest()
    return race


def _sample(name: str, rate: str, small: Race, large: Race, processes: Iterable[str]) -> Sample:
    figures = {rate: large.rate, "seconds": large.seconds}
    for process in processes:
        side, memory = process.partition("-")[0], large.usage.memory[process]
        figures |= {f"{side} MiB": memory, f"{side} MiB more": memory - small.usage.memory[process]}
    return Sample(name, figures, large.count, large.seconds, large.usage)


ROW = Row(
    "burst",
    f"{_BURST:,} commands wait, then all are drained",
    run,
    (
        Goal("write MiB", most=_MIB),
        Goal("write MiB more", most=_FLAT),
        *(Goal(figure, most=most, of=subject) for subject in ("registrar", _EVENTS) for figure, most in _READ.items()),
    ),
    alone=True,
)
