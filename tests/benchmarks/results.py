"""What was measured: samples of rows, their medians and extremes, ratios, and the goals they are held against."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.benchmarks.meter import Usage

_NOTABLE = 0.05  # cores: below that, what the host took is not worth a word


@dataclass(frozen=True)
class Sample:
    """One measurement of one subject. `count` says what the processor time is divided by."""

    subject: str
    figures: dict[str, float]
    count: int = 0
    seconds: float = 0.0
    usage: Usage = field(default_factory=Usage)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Sample":
        """A sample as it was written down."""
        return cls(**{**values, "usage": Usage(**values["usage"])})

    @property
    def stolen(self) -> float:
        """How many cores the host gave to others while this was measured."""
        return self.usage.stolen / self.seconds if self.seconds else 0.0

    @property
    def idle(self) -> float:
        """How many cores had nothing to do."""
        return self.usage.idle / self.seconds if self.seconds else 0.0

    def __str__(self) -> str:
        figures = ", ".join(f"{name} {figure(value)}" for name, value in self.figures.items())
        stolen = f" ({figure(self.stolen)} cores stolen)" if self.stolen >= _NOTABLE else ""
        return f"{self.subject:<28} {figures}{stolen}"


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

    def __str__(self) -> str:
        ends = "" if self.least == self.most else f" ({figure(self.least)}–{figure(self.most)})"  # noqa: RUF001
        return figure(self.median) + ends


@dataclass(frozen=True)
class Goal:
    """What a row should reach: a figure of Registrar's, alone or over the same or another figure of a peer's."""

    figure: str
    over: str | None = None  # the subject that it is compared with
    least: float | None = None
    most: float | None = None
    of: str = "registrar"
    over_figure: str | None = None

    def met(self, ratio: float) -> bool:
        """Whether a ratio is good enough."""
        return (self.least is None or ratio >= self.least) and (self.most is None or ratio <= self.most)

    def __str__(self) -> str:
        bound = f"≥ {self.least:g}" if self.least is not None else f"≤ {self.most:g}"
        against = f"{self.over_figure} of {self.over}" if self.over_figure and self.over == self.of else self.over
        return bound if self.over is None else f"{bound} × {against}"  # noqa: RUF001


@dataclass(frozen=True)
class Outcome:
    """A row's result."""

    row: str
    title: str
    samples: list[Sample]
    goals: tuple[Goal, ...] = ()
    made: dict[str, Any] = field(default_factory=dict)  # when, where and how much

    @property
    def subjects(self) -> list[str]:
        """Who took part, in the order of their first sample."""
        return list(dict.fromkeys(sample.subject for sample in self.samples))

    def of(self, subject: str) -> list[Sample]:
        """The samples of a subject."""
        return [sample for sample in self.samples if sample.subject == subject]

    def spread(self, subject: str, figure: str) -> Spread | None:
        """The spread of a figure; None where the subject has none of that name."""
        values = self._values(subject, figure)
        return Spread.of(values) if values else None

    def ratio(self, goal: Goal) -> Spread | None:
        """What a goal is about: the ratio of the medians, with least and most of the rounds; None where unmeasured."""
        ours = self._values(goal.of, goal.figure)
        if goal.over is None:
            return Spread.of(ours) if ours else None
        theirs = self._values(goal.over, goal.over_figure or goal.figure)
        if not ours or not theirs:
            return None
        rounds = [one / other for one, other in zip(ours, theirs, strict=False)]
        return Spread(statistics.median(ours) / statistics.median(theirs), min(rounds), max(rounds))

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs: what was measured, and what follows from it."""
        return {
            "row": self.row,
            "title": self.title,
            "made": self.made,
            "goals": [self._goal(goal) for goal in self.goals],
            "subjects": {subject: self._subject(subject) for subject in self.subjects},
            "samples": [asdict(sample) for sample in self.samples],
        }

    def _values(self, subject: str, figure: str) -> list[float]:
        return [sample.figures[figure] for sample in self.of(subject) if figure in sample.figures]

    def _goal(self, goal: Goal) -> dict[str, Any]:
        ratio = self.ratio(goal)
        met = None if ratio is None else goal.met(ratio.median)
        return {"goal": f"{goal.of}: {goal.figure} {goal}", "ratio": ratio and vars(ratio), "met": met}

    def _subject(self, subject: str) -> dict[str, Any]:
        samples = self.of(subject)
        return {
            "figures": {name: vars(self.spread(subject, name)) for name in samples[0].figures},
            "cpu_microseconds_each": per_command(samples),
            "cores_busy": cores(samples),
            "memory_mib": peak(samples),
        }


def per_command(samples: Iterable[Sample]) -> dict[str, float]:
    """Microseconds of processor time for each command, by process: medians of the rounds."""
    return _medians((sample.usage.cpu, sample.count / 1e6) for sample in samples if sample.count)


def cores(samples: Iterable[Sample]) -> dict[str, float]:
    """How many cores each process kept busy: medians of the rounds."""
    return _medians((sample.usage.cpu, sample.seconds) for sample in samples if sample.seconds)


def peak(samples: Iterable[Sample]) -> dict[str, float]:
    """The most memory of each process in any round, MiB."""
    found: dict[str, float] = {}
    for sample in samples:
        for name, memory in sample.usage.memory.items():
            found[name] = max(found.get(name, 0.0), memory)
    return found


def figure(value: float) -> str:
    """A number as people read it."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _medians(divided: Iterable[tuple[dict[str, float], float]]) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for values, by in divided:
        for name, value in values.items():
            found.setdefault(name, []).append(value / by)
    return {name: round(statistics.median(values), 2) for name, values in found.items()}
