"""The plots of a run, as PNG files."""

# mypy: ignore-errors
# matplotlib belongs to the optional group bench and may be absent where types are checked.

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt

from tests.benchmarks.results import Outcome, per_command


def draw(outcomes: Sequence[Outcome], folder: Path) -> list[Path]:
    """Draw every plot whose row was measured; the files."""
    by_row = {outcome.row: outcome for outcome in outcomes}
    return [_drawn(plot, by_row[row], folder / f"{row}.png") for row, plot in PLOTS.items() if row in by_row]


def _drawn(plot: Callable[[Outcome, plt.Axes], None], outcome: Outcome, file: Path) -> Path:
    figure, axes = plt.subplots(figsize=(7.5, 3.2), layout="constrained")
    plot(outcome, axes)
    axes.set_title(outcome.title, fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=110, metadata={"Software": None})
    plt.close(figure)
    return file


def rates(outcome: Outcome, axes: plt.Axes) -> None:
    """A bar a subject, with least and most of the rounds."""
    found = {}
    for subject in outcome.subjects:
        name = next(iter(outcome.of(subject)[0].figures))
        found[f"{subject}\n{name}"] = outcome.spread(subject, name)
    bars = list(found.values())
    errors = [[bar.median - bar.least for bar in bars], [bar.most - bar.median for bar in bars]]
    drawn = axes.barh(list(found), [bar.median for bar in bars], xerr=errors, color="#4878a8", capsize=3)
    axes.bar_label(drawn, fmt="{:,.0f}", padding=6, fontsize=8)
    axes.invert_yaxis()
    axes.tick_params(labelsize=8)


def latencies(outcome: Outcome, axes: plt.Axes) -> None:
    """Bars of milliseconds in groups, on a logarithmic scale."""
    names = list(dict.fromkeys(name for sample in outcome.samples for name in sample.figures if name.endswith("ms")))
    width = 0.8 / len(outcome.subjects)
    for number, subject in enumerate(outcome.subjects):
        values = [spread.median if (spread := outcome.spread(subject, name)) else 0 for name in names]
        axes.bar([place + number * width for place in range(len(names))], values, width, label=subject)
    axes.set_xticks([place + 0.4 - width / 2 for place in range(len(names))], names, fontsize=7, rotation=20)
    axes.set_yscale("log")
    axes.set_ylabel("ms")
    axes.legend(fontsize=7)


def lines(outcome: Outcome, axes: plt.Axes) -> None:
    """A line a subject up to its comma, over the number that comes after it."""
    series: dict[str, list[tuple[str, float]]] = {}
    for subject in outcome.subjects:
        name, _, number = subject.rpartition(", ")
        figure = next(iter(outcome.of(subject)[0].figures))
        series.setdefault(f"{name}: {figure}", []).append((number, outcome.spread(subject, figure).median))
    for name, points in series.items():
        axes.plot(*zip(*points, strict=True), marker="o", label=name)
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=7)


def memory(outcome: Outcome, axes: plt.Axes) -> None:
    """MiB of the services over the seconds in which commands wait."""
    for name, trail in outcome.samples[0].usage.trail.items():
        if "service" in name:
            axes.plot(*zip(*trail, strict=True), label=name)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("seconds")
    axes.set_ylabel("MiB")
    axes.legend(fontsize=7)


def costs(outcome: Outcome, axes: plt.Axes) -> None:
    """Microseconds of processor time a command, by process, stacked; naive's in words, for it would hide the others."""
    each = {subject: per_command(outcome.of(subject)) for subject in outcome.subjects}
    naive = sum(each.pop("naive", {}).values())
    subjects, lefts = list(each), dict.fromkeys(each, 0.0)
    processes = dict.fromkeys(name for spent in each.values() for name, value in spent.items() if value >= 1)
    for process, color in zip(processes, mpl.colormaps["tab20"].colors, strict=False):
        values = [each[subject].get(process, 0.0) for subject in subjects]
        axes.barh(subjects, values, left=[lefts[subject] for subject in subjects], label=process, color=color)
        lefts = {subject: lefts[subject] + value for subject, value in zip(subjects, values, strict=True)}
    axes.set_xlabel(f"CPU µs a command (naive: {naive:,.0f})")
    axes.invert_yaxis()
    axes.legend(fontsize=6)


PLOTS = {
    "single": rates,
    "batches": costs,
    "sides": rates,
    "light": latencies,
    "queries": latencies,
    "scale": lines,
    "sizes": lines,
    "burst": memory,
    "step": rates,
}
