"""A batch is taken through: conflicts and outages are repeated, the guilty stand alone, the others apply."""

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import pytest

from contracts.events import EVENTS, CompanyEvent
from read_service.projections import projections, settling
from read_service.projections.planning import Plan, Position, Stored
from read_service.projections.ports import Clashed, Conflicted, RefusedData
from read_service.projections.projection import Step
from read_service.projections.reading import REFUSED, Work, read_event_message, read_one
from read_service.projections.settling import MOST_CLASHES, OK, Settling, longest_pause
from tests.contracts.samples import body, sample
from tests.support.histories import Event, Folded, histories
from tests.unit.read_projections.counted import Counted
from tests.unit.read_projections.shelf import Shelf

T = TypeVar("T")

LOG = histories(4, companies=3, events=40)


class ShelfTransactions:
    """Transactions in memory that fail as they are told: before they commit, or for what they are to write."""

    def __init__(self) -> None:
        self.shelf = Shelf()
        self.troubles: list[Exception] = []
        self.refuses: Callable[[Plan], bool] = lambda _: False
        self.committed: list[Plan] = []
        self._made: list[Plan] = []

    async def run(self, body: Callable[["ShelfTransactions"], T]) -> T:
        self._made.clear()
        result = body(self)
        if self.troubles:
            raise self.troubles.pop(0)
        for made in self._made:
            self.shelf.keep(made)
        self.committed += self._made
        return result

    def positions(self, company_ids: Iterable[str]) -> Mapping[str, Position]:
        return {name: self.shelf.positions[name] for name in company_ids if name in self.shelf.positions}

    def stored(self, after: Mapping[str, int]) -> Mapping[str, Stored]:
        return {name: self.shelf.stored(name, version) for name, version in after.items()}

    def write(self, plan: Plan) -> None:
        if self.refuses(plan):
            raise RefusedData("too large")
        self._made.append(plan)


@pytest.fixture
def transactions() -> ShelfTransactions:
    return ShelfTransactions()


def work(events: list[Event]) -> Work:
    return Work(changes=[change for event in events if isinstance(change := read_one(event), CompanyEvent)])


def place_of(event: Event) -> str:
    return f"{event['subject']}/{event['version']:010}"


def rejected(number: int) -> Event:
    (event,) = sample("events", "command.rejected.v1")
    ids = (f"{number:08}-0000-4000-8000-{kind:012}" for kind in range(2))
    made: Event = {**event, "id": next(ids), "data": {**event["data"], "command_id": next(ids)}}
    return made


async def test_conflicts_and_outages_are_repeated_until_it_is_committed(transactions: ShelfTransactions) -> None:
    transactions.troubles = [Conflicted(), OSError("away"), Conflicted(), TimeoutError()]
    told: list[Plan] = []
    settling = Settling(transactions, told.append)
    await settling([work(LOG)], frozenset())
    assert (settling.condition, told) == (OK, transactions.committed)
    assert transactions.shelf.folded() == Folded.of(LOG)


async def test_while_the_database_is_away_it_says_why(transactions: ShelfTransactions) -> None:
    conditions: list[str] = []
    settling = Settling(transactions, lambda _: None)

    def away(_: Plan) -> bool:
        conditions.append(settling.condition)
        return False

    transactions.refuses, transactions.troubles = away, [OSError("no route"), Conflicted()]
    await settling([work(LOG)], frozenset())
    assert conditions == [OK, "OSError: no route", "OSError: no route"]
    assert await settling.is_well() == OK


async def test_retries_are_counted_by_reason_and_a_transaction_is_timed_with_them(
    transactions: ShelfTransactions,
) -> None:
    conflicts, outages = (Counted("retries_total", reason=reason) for reason in ("conflict", "away"))
    times, seconds = Counted("transaction_seconds_count"), Counted("transaction_seconds_sum")
    transactions.troubles = [Conflicted(), Clashed(), OSError("away")]
    await Settling(transactions, lambda _: None)([work(LOG)], frozenset())
    assert (conflicts.grown, outages.grown, times.grown) == (2, 1, 1)
    assert seconds.grown >= 0.05  # the shortest pause while the database is away


def test_pauses_grow_and_stay_bounded_however_long_it_is_away() -> None:
    assert [longest_pause(failures) for failures in (1, 2, 3, 100_000)] == [0.1, 0.2, 0.4, 5.0]


@pytest.mark.parametrize("guilty", [0, 3, 7])
async def test_of_outcomes_that_are_refused_only_the_guilty_is_parked(
    transactions: ShelfTransactions, guilty: int
) -> None:
    events = [rejected(number) for number in range(8)]
    bad = events[guilty]["data"]["command_id"]
    transactions.refuses = lambda plan: ("outcomes", bad) in keys(plan)
    await Settling(transactions, lambda _: None)([read_event_message(body(events), events[0]["type"])], frozenset())
    assert transactions.shelf.parked == {events[guilty]["id"]}
    applied = {event["data"]["command_id"] for event in events} - {bad}
    assert transactions.shelf.collections["outcomes"].keys() == applied


@pytest.mark.parametrize("guilty", [0, 20, 39])
async def test_of_events_that_are_refused_the_guilty_is_passed_and_remembered(
    transactions: ShelfTransactions, guilty: int
) -> None:
    bad = LOG[guilty]
    transactions.refuses = lambda plan: place_of(bad) in {add.key for add in plan.writes.added.get("activity", ())}
    settling = Settling(transactions, lambda _: None)
    made = await settling([work([event]) for event in LOG], frozenset())
    while made.unfinished:
        made = await settling([Work(drain=made.unfinished)], frozenset())
    shelf = transactions.shelf
    assert shelf.versions() == Folded.of(LOG).positions
    assert [(name, one.skipped) for name, one in shelf.positions.items() if one.skipped] == [
        (bad["subject"], (bad["version"],))
    ]
    assert (shelf.parked, shelf.ahead) == ({f"{bad['subject']}/{bad['version']}"}, {})
    assert shelf.collections["activity"].keys() == {place_of(event) for event in LOG} - {place_of(bad)}


async def test_what_every_part_of_a_halved_batch_has_stored_as_early_is_told(transactions: ShelfTransactions) -> None:
    early = LOG[10:20]
    transactions.refuses = lambda plan: len(plan.store) > 3
    made = await Settling(transactions, lambda _: None)([work([event]) for event in early], frozenset())
    assert {one.version for one in made.store} == {event["version"] for event in early}


@pytest.mark.parametrize("guilty", [1, 20, 38])
@pytest.mark.parametrize("most_stored", [3, 500])
async def test_of_events_that_were_stored_as_early_only_the_guilty_is_parked(
    transactions: ShelfTransactions, guilty: int, most_stored: int
) -> None:
    bad, transactions.shelf = LOG[guilty], Shelf(most_stored)
    transactions.refuses = lambda plan: place_of(bad) in {add.key for add in plan.writes.added.get("activity", ())}
    settling = Settling(transactions, lambda _: None)
    for event in reversed(LOG):
        made = await settling([work([event])], frozenset())
        while made.unfinished:
            made = await settling([Work(drain=made.unfinished)], frozenset())
    assert transactions.shelf.versions() == Folded.of(LOG).positions
    assert (transactions.shelf.parked, transactions.shelf.ahead) == ({f"{bad['subject']}/{bad['version']}"}, {})
    assert transactions.shelf.collections["activity"].keys() == {place_of(event) for event in LOG} - {place_of(bad)}


async def test_an_event_that_a_projection_cannot_deal_with_is_parked_like_it(
    transactions: ShelfTransactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = LOG[5]

    def failing(step: Step) -> Any:
        if step.event.id == bad["id"]:
            raise ZeroDivisionError
        return ()

    monkeypatch.setitem(projections._HANDLERS, bad["type"], [*projections._HANDLERS[bad["type"]], failing])
    parked: list[Any] = []
    await Settling(transactions, lambda plan: parked.extend(plan.parked))([work(LOG)], frozenset())
    ((kind, reason, version),) = [(one.kind, one.reason, one.version) for one in parked]
    assert (kind, version) == (REFUSED, bad["version"])
    assert "ZeroDivisionError" in reason
    assert transactions.shelf.versions() == Folded.of(LOG).positions


async def test_a_batch_that_is_refused_and_conflicts_meanwhile_accuses_only_the_guilty(
    transactions: ShelfTransactions,
) -> None:
    events = [rejected(number) for number in range(4)]
    bad = events[2]["data"]["command_id"]
    transactions.refuses = lambda plan: ("outcomes", bad) in keys(plan)
    transactions.troubles = [Conflicted(), OSError("away")]
    await Settling(transactions, lambda _: None)([read_event_message(body(events), events[0]["type"])], frozenset())
    assert transactions.shelf.parked == {events[2]["id"]}
    assert len(transactions.shelf.collections["outcomes"]) == 3


async def test_clashes_as_replicas_have_them_accuse_nobody(transactions: ShelfTransactions) -> None:
    transactions.troubles = [Clashed()] * (MOST_CLASHES - 1)
    await Settling(transactions, lambda _: None)([work(LOG)], frozenset())
    assert (transactions.shelf.folded(), transactions.shelf.parked) == (Folded.of(LOG), set())


async def test_what_clashes_again_and_again_is_parked_alone_also_when_others_conflict_meanwhile(
    transactions: ShelfTransactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "MOST_CLASHES", 5)
    events = [rejected(number) for number in range(4)]
    bad = events[1]["data"]["command_id"]
    tries = itertools.count()

    def clashes(plan: Plan) -> bool:
        if ("outcomes", bad) in keys(plan):
            raise Clashed if next(tries) % 2 else Conflicted
        return False

    transactions.refuses = clashes
    await Settling(transactions, lambda _: None)([read_event_message(body(events), events[0]["type"])], frozenset())
    assert transactions.shelf.parked == {events[1]["id"]}
    assert len(transactions.shelf.collections["outcomes"]) == 3


UNDER_WAY = "a batch has been under way for 0 seconds"


@pytest.mark.parametrize(
    ("bound", "says"),
    [
        (0.0, [f"{UNDER_WAY}{rest}" for rest in ("", *(f", {number} conflicts: met" for number in range(1, 5)))]),
        (60, [OK] * 5),
    ],
)
async def test_while_a_batch_comes_to_no_end_it_is_not_well(
    transactions: ShelfTransactions, monkeypatch: pytest.MonkeyPatch, bound: float, says: list[str]
) -> None:
    monkeypatch.setattr(settling, "LONG_BATCH", bound)
    conditions: list[str] = []
    one = Settling(transactions, lambda _: None)

    def looks(_: Plan) -> bool:
        conditions.append(one.condition)
        return False

    transactions.refuses, transactions.troubles = looks, [Conflicted("met")] * 4
    await one([work(LOG)], frozenset())
    assert conditions == says
    assert await one.is_well() == OK


def keys(plan: Plan) -> set[tuple[str, str]]:
    return {(name, write.key) for name, writes in plan.writes.by_collection().items() for write in writes}


def test_the_history_of_these_tests_is_worth_it() -> None:
    assert len({event["type"] for event in LOG}) >= len(EVENTS) // 2
