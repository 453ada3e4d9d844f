"""Single-command messages, from the first publish to the last command's documents."""

from tests.benchmarks.bench import Bench, Row
from tests.benchmarks.results import Goal, Sample
from tests.benchmarks.rows.races import lives, taken, visible


async def run(bench: Bench) -> list[Sample]:
    """All processes run and are idle; one load generator publishes six commands a company over many companies, with
    200 waiting for their confirm; the clock starts at the first publish and stops when the documents hold the last
    event (the ceiling: when the last message was taken)."""
    ours, naive, ceiling = await bench.registrar(), await bench.naive(), await bench.noop("faststream")
    return await bench.alternate(
        {
            "registrar": lambda: visible(bench, ours, lives(bench, 3000)),
            "naive": lambda: visible(bench, naive, lives(bench, 250)),
            "ceiling": lambda: taken(bench, ceiling, lives(bench, 4000)),
        }
    )


ROW = Row(
    "single",
    "single-command messages, sent → visible",
    run,
    (Goal("commands/s", "naive", least=15), Goal("commands/s", "noop-faststream", least=0.5)),
)
