"""A cost model: from the processor time that each process spends on a command, the cores that a load takes."""

from collections.abc import Iterator, Sequence

from tests.benchmarks.report.table import Table
from tests.benchmarks.results import Outcome, figure, per_command

RATES = (10_000, 100_000)  # commands a second
_ROWS = {"single": "single-command messages", "batches": "batches of 100"}
_NOT_OURS = "load generator"
_FULL = 0.7  # of a core: what a process may be loaded with, so that queues stay short


def tables(outcomes: Sequence[Outcome]) -> Iterator[Table]:
    """Cores for each part at each rate, for single commands and for batches, as far as they were measured."""
    for outcome in outcomes:
        if outcome.row in _ROWS and "registrar" in outcome.subjects:
            yield _table(_ROWS[outcome.row], per_command(outcome.of("registrar")))


def _table(title: str, each: dict[str, float]) -> Table:
    ours = {name: spent for name, spent in each.items() if name != _NOT_OURS}
    rows = [(name, figure(spent), *(figure(_cores(rate, spent)) for rate in RATES)) for name, spent in ours.items()]
    total = sum(ours.values())
    rows.append(("all", figure(total), *(figure(_cores(rate, total)) for rate in RATES)))
    heads = ("process", "CPU µs a command", *(f"cores at {rate:,}/s" for rate in RATES))
    return Table(f"What a load takes, cores {_FULL:.0%} busy: {title}", heads, rows)


def _cores(rate: int, microseconds: float) -> float:
    return rate * microseconds / 1e6 / _FULL
