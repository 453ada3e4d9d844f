"""The tables of a run: goals, figures of each row, what processes use."""

from collections.abc import Iterator, Sequence

from tests.benchmarks.report.table import Table
from tests.benchmarks.results import Goal, Outcome, Spread, cores, figure, peak, per_command


def of(outcomes: Sequence[Outcome]) -> Iterator[Table]:
    """All tables of these results."""
    yield goals(outcomes)
    for outcome in outcomes:
        yield figures(outcome)
        if any(sample.usage.cpu for sample in outcome.samples):
            yield usage(outcome)


def goals(outcomes: Sequence[Outcome]) -> Table:
    """Every goal with what was reached: medians, and the ratio with the least and the most of the rounds."""
    lines = [_goal(outcome, goal) for outcome in outcomes for goal in outcome.goals]
    heads = ("measure", "Registrar", "compared with", "ratio", "goal", "reached")
    return Table("Goals", heads, [line for line in lines if line])


def figures(outcome: Outcome) -> Table:
    """What was measured: medians, and least to most of the rounds."""
    names = list(dict.fromkeys(name for sample in outcome.samples for name in sample.figures))
    rows = [
        (subject, *(str(outcome.spread(subject, name) or "") for name in names), str(len(outcome.of(subject))))
        for subject in outcome.subjects
    ]
    return Table(f"{outcome.row}: {outcome.title}", ("subject", *names, "rounds"), rows)


def usage(outcome: Outcome) -> Table:
    """What each process used: processor time a command, cores busy, the most memory seen; what the host withheld."""
    rows: list[tuple[str, ...]] = []
    for subject in outcome.subjects:
        samples = outcome.of(subject)
        each, busy, memory = per_command(samples), cores(samples), peak(samples)
        rows += [(subject, name, _text(each, name), _text(busy, name), figure(memory[name])) for name in memory]
        if any(sample.usage.cpu for sample in samples):
            stolen, idle = Spread.of([one.stolen for one in samples]), Spread.of([one.idle for one in samples])
            rows += [(subject, "stolen by the host", "", str(stolen), ""), (subject, "idle", "", str(idle), "")]
    heads = ("subject", "process", "CPU µs each", "cores busy", "most MiB seen")
    return Table(f"{outcome.row}: what processes used", heads, rows)


def _goal(outcome: Outcome, goal: Goal) -> tuple[str, ...] | None:
    ratio, ours = outcome.ratio(goal), outcome.spread(goal.of, goal.figure)
    if ratio is None:
        return None
    theirs = outcome.spread(goal.over, goal.over_figure or goal.figure) if goal.over else None
    name = outcome.title if goal.of == "registrar" else f"{outcome.title}: {goal.of}"
    return (
        f"{name}: {goal.figure}",
        str(ours),
        f"{theirs}" if theirs else "",
        str(ratio) if goal.over else "",
        str(goal),
        "yes" if goal.met(ratio.median) else "**no**",
    )


def _text(values: dict[str, float], name: str) -> str:
    return figure(values[name]) if name in values else ""
