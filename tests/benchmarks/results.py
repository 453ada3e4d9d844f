"""What was measured: samples of rows, their medians and extremes, ratios, and the goals they are held against."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.meter import Usage


@dataclass(frozen=True)
class Sample:
    """One measurement of one subject. `count` says what the processor time is divided by."""

    subject: str
    figures: dict[str, float]
    count: int = 0
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True)
class Spread:
    """The middle and the ends of what several rounds gave."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """The spread of these values."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Goal:
    """What a row should reach: a figure of Registrar's, over the same or another figure of a peer's, in one round."""

    figure: str
    over: str  # the subject that it is compared with
    least: float | None = None
    most: float | None = None
    of: str = "registrar"
    over_figure: str | None = None

    def met(self, ratio: float) -> bool:
        """Whether a ratio is good enough."""
        return (self.least is None or ratio >= self.least) and (self.most is None or ratio <= self.most)

    def __str__(self) -> str:
        bound = f"≥ {self.least:g}" if self.least is not None else f"≤ {self.most:g}"
        return f"{bound} x {self.over}"


@dataclass(frozen=True)
class Outcome:
    """A row's result."""

    row: str
    title: str
    samples: list[Sample]
    goals: list[Goal]

    @property
    def subjects(self) -> list[str]:
        """Who took part, in the order of their first sample."""
        return list(dict.fromkeys(sample.subject for sample in self.samples))

    def spread(self, subject: str, figure: str) -> Spread | None:
        """The spread of a figure; None where the subject has none of that name."""
        values = self._values(subject, figure)
        return Spread.of(values) if values else None

    def ratio(self, goal: Goal) -> Spread | None:
        """The ratio that a goal is about: of the medians, with the least and the most of the rounds."""
        ours = self._values(goal.of, goal.figure)
        theirs = self._values(goal.over, goal.over_figure or goal.figure)
        if not ours or not theirs:
            return None
        rounds = [one / other for one, other in zip(ours, theirs, strict=False)]
        return Spread(statistics.median(ours) / statistics.median(theirs), min(rounds), max(rounds))

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {
            "row": self.row,
            "title": self.title,
            "goals": [self._goal(goal) for goal in self.goals],
            "subjects": {subject: self._subject(subject) for subject in self.subjects},
        }

    def _values(self, subject: str, figure: str) -> list[float]:
        mine = [sample for sample in self.samples if sample.subject == subject]
        return [sample.figures[figure] for sample in mine if figure in sample.figures]

    def _goal(self, goal: Goal) -> dict[str, Any]:
        ratio = self.ratio(goal)
        met = None if ratio is None else goal.met(ratio.median)
        return {"goal": f"{goal.figure} {goal}", "ratio": ratio and vars(ratio), "met": met}

    def _subject(self, subject: str) -> dict[str, Any]:
        samples = [sample for sample in self.samples if sample.subject == subject]
        figures = {figure: [sample.figures[figure] for sample in samples] for figure in samples[0].figures}
        return {
            "figures": {name: {**vars(Spread.of(values)), "rounds": values} for name, values in figures.items()},
            "cpu_microseconds_each": per_command(samples),
            "memory_mib": peak(samples),
        }


def per_command(samples: Iterable[Sample]) -> dict[str, float]:
    """Microseconds of processor time for each command, by process: medians of the rounds."""
    counted = [sample for sample in samples if sample.count]
    names = dict.fromkeys(name for sample in counted for name in sample.usage.cpu)
    each = {name: [s.usage.cpu[name] / s.count * 1e6 for s in counted if name in s.usage.cpu] for name in names}
    return {name: round(statistics.median(values), 1) for name, values in each.items()}


def peak(samples: Iterable[Sample]) -> dict[str, float]:
    """The most memory of each process in any round, MiB."""
    found: dict[str, float] = {}
    for sample in samples:
        for name, memory in sample.usage.memory.items():
            found[name] = max(found.get(name, 0.0), memory)
    return found
