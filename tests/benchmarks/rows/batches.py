"""Commands in messages of a hundred, from the first publish to the last command's documents."""

from tests.benchmarks.bench import Bench, Row
from tests.benchmarks.results import Goal, Sample
from tests.benchmarks.rows.races import lives, visible


async def run(bench: Bench) -> list[Sample]:
    """As `single`, with a hundred commands a message for Registrar; the naive peer knows single commands only."""
    ours, naive = await bench.registrar(), await bench.naive()
    return await bench.alternate(
        {
            "registrar": lambda: visible(bench, ours, lives(bench, 8000), batch=100),
            "naive": lambda: visible(bench, naive, lives(bench, 200)),
        }
    )


ROW = Row("batches", "commands in batches of 100, sent → visible", run, (Goal("commands/s", "naive", least=60),))
