"""Each side alone: commands from a full queue to confirmed events, and events from a full queue to documents."""

from tests.benchmarks.bench import Bench, Row
from tests.benchmarks.results import Goal, Sample
from tests.benchmarks.rows.races import emptied, lives, sides

_NAMES = {kind: (f"{kind} write side", f"{kind} read side") for kind in ("registrar", "naive")}


async def run(bench: Bench) -> list[Sample]:
    """All commands wait in the queue while the subject rests. Its write side wakes: the clock stops when all events are
    committed and confirmed by the broker. Then only its read side wakes, until the documents hold all of them. The
    ceiling acknowledges the same commands from a full queue."""
    ours, naive, ceiling = await bench.registrar(), await bench.naive(), await bench.noop("faststream")
    return await bench.alternate(
        {
            "registrar": lambda: sides(bench, ours, lives(bench, 3000), _NAMES["registrar"]),
            "naive": lambda: sides(bench, naive, lives(bench, 200), _NAMES["naive"]),
            "ceiling": lambda: emptied(bench, ceiling, lives(bench, 3000)),
        }
    )


ROW = Row(
    "sides",
    "each side alone, from a full queue",
    run,
    (
        Goal("commands/s", "noop-faststream", least=0.6, of="registrar write side"),
        Goal("events/s", "naive read side", least=20, of="registrar read side"),
    ),
)
