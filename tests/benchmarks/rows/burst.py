"""A burst of a hundred thousand commands: the time until all are visible, and the memory of the services meanwhile."""

from collections.abc import Iterable, Mapping

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
    than in a burst of a tenth: by how much memory grows with what waits."""
    system = await bench.registrar()
    before = (await _drained(bench, system, _BEFORE)).usage.memory
    race = await _drained(bench, system, _BURST)
    figures = {"commands/s": race.rate, "seconds": race.seconds}
    samples = [
        Sample(system.name, figures | _grown(race, before, system.processes), race.count, race.seconds, race.usage)
    ]
    race = await _drained(bench, system, _BURST, writers_first=True)
    figures = {"events/s": race.rate, "seconds": race.seconds}
    figures |= _grown(race, before, system.readers)  # writers are done when the clock begins
    samples.append(Sample(_EVENTS, figures, race.count, race.seconds, race.usage))
    for sample in samples:
        bench.say(f"  {sample}")
    return samples


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


def _grown(race: Race, before: Mapping[str, float], processes: Iterable[str]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name in processes:
        side, memory = name.partition("-")[0], race.usage.memory[name]
        figures |= {f"{side} MiB": memory, f"{side} MiB more": memory - before[name]}
    return figures


ROW = Row(
    "burst",
    f"{_BURST:,} commands wait, then all are drained",
    run,
    (
        Goal("write MiB", most=_MIB),
        Goal("write MiB more", most=_FLAT),
        *(Goal(figure, most=most, of=subject) for subject in ("registrar", _EVENTS) for figure, most in _READ.items()),
    ),
    alone=True,  # what has worked before has the memory that it needed for that
)
