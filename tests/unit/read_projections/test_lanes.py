"""Large batches go through several transactions at once, and come out as if it had been one."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest

from read_service.projections.lanes import Lanes, shares_of
from read_service.projections.planning import MOST_HELD
from read_service.projections.reading import Work
from read_service.projections.settling import OK, Settling
from tests.support.histories import Event, Folded, histories
from tests.unit.read_projections.shelf import Shelf
from tests.unit.read_projections.test_settling import ShelfTransactions, rejected, work

T = TypeVar("T")

LOG = histories(4, companies=5, events=60)
EXPECTED = Folded.of(LOG)


class Meeting(ShelfTransactions):
    """Transactions on one shelf that go on when so many of them are open."""

    def __init__(self, shelf: Shelf, barrier: asyncio.Barrier) -> None:
        super().__init__()
        self.shelf, self._barrier = shelf, barrier

    async def run(self, body: Callable[[ShelfTransactions], T]) -> T:
        async with asyncio.timeout(5):
            await self._barrier.wait()
        return await super().run(body)


def messages(events: list[Event], of: int = 4) -> list[Work]:
    """Events as messages of so many: of several companies each."""
    return [
        one
        for kind in {event["type"] for event in events}
        for alike in [[event for event in events if event["type"] == kind]]
        for one in (work(alike[start : start + of]) for start in range(0, len(alike), of))
    ]


def test_a_share_holds_companies_whole_and_every_part_of_a_message_once() -> None:
    parts = [*messages(LOG), work([rejected(1)]), Work(drain=[LOG[0]["subject"], LOG[1]["subject"]])]
    shares = shares_of(parts, 2)
    assert [len(share) for share in shares] == [len(parts)] * 2
    subjects = [{change.subject for one in share for change in one.changes} for share in shares]
    assert not subjects[0] & subjects[1]
    for place, part in enumerate(parts):
        mine = [share[place] for share in shares]
        assert sum(one.count for one in mine) == part.count
        assert sorted(name for one in mine for name in one.drain) == sorted(part.drain)
        assert {change.subject for one in mine for change in one.changes} == {one.subject for one in part.changes}
    for share, names in zip(shares, subjects, strict=True):
        assert {name for one in share for name in one.drain} <= names


def test_a_company_has_the_same_lane_in_every_process() -> None:
    names = [f"{number:032x}" for number in range(8)]
    shares = shares_of([Work(drain=names)], 2)
    assert [int(name in shares[1][0].drain) for name in names] == [0, 0, 0, 0, 1, 1, 1, 1]


async def test_a_large_batch_is_in_several_transactions_at_once_and_nothing_of_it_is_lost() -> None:
    shelf, barrier = Shelf(), asyncio.Barrier(2)
    lanes = Lanes([Settling(Meeting(shelf, barrier), lambda _: None) for _ in range(2)], large=1)
    made = await lanes(messages(LOG), frozenset())
    assert (made.held, made.unfinished) == ([], [])
    assert shelf.versions() == EXPECTED.positions
    assert shelf.folded() == EXPECTED


async def test_what_every_lane_has_stored_as_early_is_told() -> None:
    shelf, early = Shelf(), [event for event in LOG if event["version"] > 1]
    lanes = Lanes([Settling(Meeting(shelf, asyncio.Barrier(1)), lambda _: None) for _ in range(2)], large=1)
    made = await lanes(messages(early), frozenset())
    assert sorted((one.subject, one.version) for one in made.store) == sorted(
        (event["subject"], event["version"]) for event in early
    )


async def test_a_small_batch_is_in_one_transaction() -> None:
    used, idle = ShelfTransactions(), ShelfTransactions()
    lanes = Lanes([Settling(one, lambda _: None) for one in (used, idle)], large=len(LOG) + 1)
    await lanes(messages(LOG), frozenset())
    assert (len(used.committed), idle.committed) == (1, [])


@pytest.mark.parametrize("patient", [True, False])
async def test_what_came_too_early_is_held_or_stored_whatever_its_share(patient: bool) -> None:
    shelf, barrier = Shelf(), asyncio.Barrier(2)
    lanes = Lanes([Settling(Meeting(shelf, barrier), lambda _: None) for _ in range(2)], large=1)
    log = [event for event in LOG if event["version"] <= MOST_HELD + 1]
    early = messages([event for event in log if event["version"] > 1])
    made = await lanes(early, frozenset(range(len(early)) if patient else ()))
    expected = {(event["subject"], event["version"]) for event in log if event["version"] > 1}
    assert {(change.subject, change.version) for change in made.held} == (expected if patient else set())
    assert shelf.ahead.keys() == (set() if patient else expected)

    first = [work([event]) for event in log if event["version"] == 1]
    made = await lanes([*first, *(Work(changes=[change]) for change in made.held)], frozenset())
    while made.unfinished:
        made = await lanes([Work(drain=made.unfinished)], frozenset())
    assert shelf.folded() == Folded.of(log)


async def test_one_is_unwell_when_any_of_them_is() -> None:
    settlings = [Settling(ShelfTransactions(), lambda _: None) for _ in range(2)]
    lanes = Lanes(settlings)
    assert await lanes.is_well() == OK
    settlings[1]._failure = "away"
    assert await lanes.is_well() == "away"
