"""The pure part of the engine: any order, any repetition, any grouping ends in what the log says."""

import functools
import random
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events import CompanyEvent
from read_service.projections.planning import Plan
from read_service.projections.reading import Change, Work, read_one
from tests.support.histories import Folded, histories
from tests.unit.read_projections.shelf import Shelf

ORDERS = 10  # by each of Hypothesis' examples


@functools.cache
def history(seed: int) -> tuple[list[Change], Folded]:
    """A small one, and what readers see of it."""
    log = histories(seed, companies=1 + seed % 3, events=10 + 5 * seed)
    changes = [change for event in log if isinstance(change := read_one(event), CompanyEvent)]
    assert len(changes) == len(log)
    return [*changes], Folded.of(log)


class Bus:
    """Delivers until nothing is left: in groups, what was held again, and what is to be looked at once more."""

    def __init__(self, shelf: Shelf, chance: random.Random, changes: list[Change]) -> None:
        self._shelf = shelf
        self._chance = chance
        repeated = [change for change in changes for _ in range(chance.randint(1, 3))]
        chance.shuffle(repeated)
        self._waiting = deque(repeated)
        self._drain: list[str] = []

    def deliver(self) -> None:
        """All of it."""
        while self._waiting or self._drain:
            work = [self._message() for _ in range(self._chance.randint(1, 4))]
            # Near the end nobody is patient any more: what is held for ever would never be stored.
            patient = [place for place in range(len(work)) if self._waiting and self._chance.random() < 0.3]
            self._again(self._shelf.transact([*work, Work(drain=self._drain)], frozenset(patient)))

    def _message(self) -> Work:
        size = self._chance.randint(1, 5)
        return Work(changes=[self._waiting.popleft() for _ in range(min(size, len(self._waiting)))])

    def _again(self, made: Plan) -> None:
        for change in made.held:
            self._waiting.insert(self._chance.randint(0, len(self._waiting)), change)
        self._drain = made.unfinished


@settings(max_examples=250, deadline=None)
@given(st.integers(0, 8), st.sampled_from([1, 2, 500]), st.integers(0))
def test_thousands_of_orders_end_in_exactly_the_folded_documents(seed: int, most_stored: int, chance: int) -> None:
    changes, expected = history(seed)
    for number in range(ORDERS):
        shelf = Shelf(most_stored)
        Bus(shelf, random.Random(chance + number), changes).deliver()
        assert shelf.folded() == expected
        assert {path: count for path, count in shelf.counts.items() if count} == expected.statistics
        assert shelf.versions() == expected.positions
        assert (shelf.ahead, shelf.parked) == ({}, set())


@pytest.mark.parametrize("most_stored", [2, 500])
def test_the_last_event_first_is_the_worst_order_there_is(most_stored: int) -> None:
    changes, expected = history(7)
    shelf = Shelf(most_stored)
    for change in reversed(changes):
        again = shelf.transact([Work(changes=[change])]).unfinished
        while again:
            again = shelf.transact([Work(drain=again)]).unfinished
    assert shelf.folded() == expected
    assert shelf.versions() == expected.positions
    assert shelf.ahead == {}
