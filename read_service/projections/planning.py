"""From positions and events to what one transaction does: the pure part of the engine."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from read_service.projections.projection import Step
from read_service.projections.projections import writes_of
from read_service.projections.reading import Change, Parked, Unreadable, Work
from read_service.projections.standing import NOTHING, Standing, after
from read_service.projections.writes import Writes


class Position(NamedTuple):
    """How far the documents are with a company. `skipped`: versions that were parked as unreadable."""

    version: int = 0
    standing: Standing = NOTHING
    early: bool = False  # events after a gap are stored in `ahead`
    skipped: tuple[int, ...] = ()
    touched: int = 0  # raised by every write: two transactions on one company must collide (write skew)

    @property
    def is_new(self) -> bool:
        """Whether this is what is written first of the company."""
        return self.touched == 1


START = Position()

# Early events of one company that are held at once; past so many they are stored, though they could wait. Of one hot
# company every replica has each third event: holding them it would hand over to the next after each of its own.
# Measured, three replicas: a batch of 100 commands on one company is visible after 77 ms with 5, 111 with 10, 300 with
# 20, 1,050 without a bound; changes of many companies are stored apart, at half the rate and less, with 2 or none.
MOST_HELD = 5


@dataclass(slots=True)
class Plan:
    """What a transaction writes, and what is told of it afterwards."""

    writes: Writes = field(default_factory=Writes)
    positions: dict[str, Position] = field(default_factory=dict)
    store: list[Change] = field(default_factory=list)  # too early: kept in `ahead`
    passed: dict[str, int] = field(default_factory=dict)  # companies whose `ahead` is used up to this version
    parked: list[Parked] = field(default_factory=list)
    held: list[Change] = field(default_factory=list)  # too early, and left with the broker for another moment
    applied: list[Change] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)  # companies of which `ahead` holds more that may be next
    duplicates: int = 0


class Stored(NamedTuple):
    """What `ahead` holds of a company after its position, in order; `more` when that is not all of it."""

    changes: Sequence[Change]
    more: bool = False


NONE_STORED = Stored(())


def wants_stored(work: Iterable[Work], positions: Mapping[str, Position]) -> dict[str, int]:
    """The companies whose gap this work may close, with the version after which `ahead` is to be read."""
    closing = {
        change.subject
        for one in work
        for change in one.changes
        if change.version == positions.get(change.subject, START).version + 1
    }
    closing.update(company_id for one in work for company_id in one.drain)
    return {company_id: positions[company_id].version for company_id in closing if _is_early(positions, company_id)}


def plan(
    work: Sequence[Work],
    positions: Mapping[str, Position],
    stored: Mapping[str, Stored],
    patient: frozenset[int] = frozenset(),
) -> Plan:
    """What to do about this work. Early events of the works at the places in `patient` are held, the others stored."""
    planning = _Planning()
    for place, one in enumerate(work):
        planning.take(one, waits=place in patient)
    for company_id, changes in planning.incoming.items():
        position = positions.get(company_id, START)
        planning.advance(company_id, position, changes, stored.get(company_id))
    return planning.plan


class _Planning:
    def __init__(self) -> None:
        self.plan = Plan()
        self.incoming: dict[str, dict[int, Change]] = {}
        self._waits: dict[tuple[str, int], bool] = {}  # whether every copy of an event may wait

    def take(self, work: Work, *, waits: bool) -> None:
        self.plan.parked += work.parked
        for outcome in work.outcomes:
            self._write(Step(outcome))
        for company_id in work.drain:
            self.incoming.setdefault(company_id, {})
        for change in work.changes:
            of_company = self.incoming.setdefault(change.subject, {})
            before = of_company.get(change.version)
            self.plan.duplicates += before is not None
            if before is None or isinstance(before, Unreadable):  # a copy that can be read is never given up
                of_company[change.version] = change
            place = change.subject, change.version
            self._waits[place] = waits and self._waits.get(place, True)

    def advance(
        self, company_id: str, position: Position, incoming: Mapping[int, Change], looked_at: Stored | None
    ) -> None:
        stored = looked_at or NONE_STORED
        version, standing, skipped = self._apply(position, _together(incoming, stored.changes))
        early = [change for number, change in incoming.items() if number > version]
        store = self._without_held(company_id, early) if early else []
        self.plan.duplicates += sum(number <= position.version for number in incoming)
        has_moved = version != position.version
        beyond = any(change.version > version for change in stored.changes)
        # Where `ahead` was not looked at, it holds what it held.
        left = position.early and (looked_at is None or stored.more or beyond)
        is_early = bool(store) or left
        if not has_moved and not store and is_early == position.early:
            return
        self.plan.store += store
        if position.early and has_moved:
            self.plan.passed[company_id] = version
        self.plan.positions[company_id] = Position(version, standing, is_early, skipped, position.touched + 1)
        if has_moved and stored.more:
            self.plan.unfinished.append(company_id)

    def _without_held(self, company_id: str, early: Sequence[Change]) -> list[Change]:
        held = {change.version for change in early if self._waits[company_id, change.version]}
        if len(held) > MOST_HELD:
            held = set()
        self.plan.held += [change for change in early if change.version in held]
        return [change for change in early if change.version not in held]

    def _apply(self, position: Position, known: Mapping[int, Change]) -> tuple[int, Standing, tuple[int, ...]]:
        version, standing, skipped = position.version, position.standing, position.skipped
        while (change := known.get(version + 1)) is not None:
            version += 1
            self.plan.applied.append(change)
            if isinstance(change, Unreadable):
                skipped = (*skipped, version)
                self.plan.parked.append(change.parked)
                continue
            now = after(standing, change)
            self._write(Step(change, standing, now))
            standing = now
        return version, standing, skipped

    def _write(self, step: Step) -> None:
        for write in writes_of(step):
            self.plan.writes.append(write)


def _together(incoming: Mapping[int, Change], stored: Iterable[Change]) -> Mapping[int, Change]:
    known = dict(incoming)
    for change in stored:
        before = known.get(change.version)
        if before is None or isinstance(before, Unreadable):
            known[change.version] = change
    return known


def _is_early(positions: Mapping[str, Position], company_id: str) -> bool:
    return company_id in positions and positions[company_id].early
