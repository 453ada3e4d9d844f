"""What a row is given: the servers, how long it may take, and rounds in alternation."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from tests.benchmarks.results import Goal, Sample
from tests.benchmarks.servers import Servers

Measure = Callable[[], Awaitable[Sample]]


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    rounds: int = 5
    warmups: int = 1
    size: float = 1.0  # how much of the full number of commands
    large: float = 1.0  # how much of the full number of companies and events that lie there already

    def count(self, full: int, least: int = 1) -> int:
        """So many of the full number."""
        return max(least, round(full * self.size))

    def stored(self, full: int) -> int:
        """So many of the full number of things stored before."""
        return max(1000, round(full * self.large))


SHORT = Plan(rounds=1, warmups=0, size=0.03, large=0.001)


@dataclass
class Bench:
    """A run."""

    servers: Servers
    plan: Plan
    say: Callable[[str], None] = print
    seeds: list[int] = field(default_factory=lambda: [1000])

    def seed(self) -> int:
        """A number that no measurement has used yet: new companies every time."""
        self.seeds[0] += 1
        return self.seeds[0]

    async def alternate(self, measures: Mapping[str, Measure]) -> list[Sample]:
        """Measure in turn, round after round, each round in the other direction; the warm-up's samples are dropped."""
        samples: list[Sample] = []
        for number in range(self.plan.warmups + self.plan.rounds):
            names = list(measures)
            for name in names if number % 2 == 0 else reversed(names):
                sample = await measures[name]()
                warm = number < self.plan.warmups
                self.say(f"  {'warm-up' if warm else f'round {number - self.plan.warmups + 1}'}: {_line(sample)}")
                if not warm:
                    samples.append(sample)
        return samples


@dataclass(frozen=True)
class Row:
    """A row of the table. `run` measures it; its docstring says what exactly."""

    name: str
    title: str
    run: Callable[[Bench], Awaitable[list[Sample]]]
    goals: tuple[Goal, ...] = ()
    by_default: bool = True


def _line(sample: Sample) -> str:
    figures = ", ".join(f"{name} {value:,.4g}" for name, value in sample.figures.items())
    return f"{sample.subject:<24} {figures}"
