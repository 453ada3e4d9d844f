"""What a row is given: the servers, the subjects on them, how long it may take, and rounds in alternation."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from tests.benchmarks.results import Goal, Sample
from tests.benchmarks.servers import Servers
from tests.benchmarks.subjects.floor import Floor, floor
from tests.benchmarks.subjects.naive import naive
from tests.benchmarks.subjects.noop import NoOp, noop
from tests.benchmarks.subjects.registrar import registrar
from tests.benchmarks.subjects.system import System

Measure = Callable[[], Awaitable[list[Sample]]]


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    rounds: int = 3
    warmups: int = 1
    size: float = 1.0  # how much of the full number of commands
    large: float = 1.0  # how much of the full number of companies and events that lie there already
    short: bool = False  # all rows share servers, and leave out what would only repeat

    def count(self, full: int, least: int = 1) -> int:
        """So many of the full number."""
        return max(least, round(full * self.size))

    def oftener(self, times: int) -> "Plan":
        """So many times the rounds; one that is the only one stays so."""
        return self if self.rounds == 1 else replace(self, rounds=self.rounds * times)

    def stored(self, full: int) -> int:
        """So many of the full number of things stored before."""
        return max(100, round(full * self.large))


SHORT = Plan(rounds=1, warmups=0, size=0.02, large=0.001, short=True)


@dataclass
class Bench:
    """A run: subjects are started when a row first asks for them, and stay for the next row."""

    servers: Servers
    plan: Plan
    say: Callable[[str], None] = print
    _seed: int = 1000
    _systems: dict[str, tuple[tuple[int, int], System]] = field(default_factory=dict)
    _ceilings: dict[str, NoOp] = field(default_factory=dict)
    _floor: Floor | None = None

    def seed(self) -> int:
        """A number that no measurement has used yet: new companies every time."""
        self._seed += 1
        return self._seed

    async def registrar(self, write: int = 1, read: int = 1) -> System:
        """Registrar with so many replicas; all of its processes rest."""
        replicas, system = self._systems.pop("registrar", ((0, 0), None))
        if system is not None and replicas != (write, read):
            await system.close()
            system = None
        system = system or await registrar(self.servers, write=write, read=read)
        return self._rested("registrar", (write, read), system)

    async def naive(self) -> System:
        """The naive peer; all of its processes rest."""
        _, system = self._systems.pop("naive", ((1, 1), None))
        return self._rested("naive", (1, 1), system or await naive(self.servers))

    async def noop(self, way: str) -> NoOp:
        """A consumer that only acknowledges; it rests."""
        if way not in self._ceilings:
            self._ceilings[way] = await noop(self.servers, way)
            self._ceilings[way].rest()
        return self._ceilings[way]

    async def floor(self) -> Floor:
        """The least that a lone command takes; it rests."""
        if self._floor is None:
            self._floor = await floor(self.servers)
            self._floor.rest()
        return self._floor

    async def aclose(self) -> None:
        """Let everything go on, and hang up."""
        for _, system in self._systems.values():
            await system.close()
        for ceiling in self._ceilings.values():
            ceiling.wake()
        if self._floor is not None:
            self._floor.wake()

    async def alternate(self, measures: Mapping[str, Measure], plan: Plan | None = None) -> list[Sample]:
        """Measure in turn, round after round, each round in the other direction; the warm-up's samples are dropped."""
        plan, samples = plan or self.plan, list[Sample]()
        for number in range(1 - plan.warmups, 1 + plan.rounds):
            names = list(measures)
            for name in names if number % 2 else reversed(names):
                for sample in await measures[name]():
                    self.say(f"  {'warm-up' if number < 1 else f'round {number}'}: {sample}")
                    samples += [] if number < 1 else [sample]
        return samples

    def _rested(self, name: str, replicas: tuple[int, int], system: System) -> System:
        system.rest()
        self._systems[name] = (replicas, system)
        return system


@dataclass(frozen=True)
class Row:
    """A row of the table. `run` measures it; its docstring says what exactly."""

    name: str
    title: str
    run: Callable[[Bench], Awaitable[list[Sample]]]
    goals: tuple[Goal, ...] = ()
    by_default: bool = True
    alone: bool = False  # wants servers and services of its own: it fills them, or what others have left would tell
