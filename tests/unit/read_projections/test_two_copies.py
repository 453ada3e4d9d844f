"""Two copies of one version, of which one cannot be read: it is never taken for the other, however they meet."""

import pytest

from contracts.events import CompanyEvent
from read_service.projections.reading import Change, Unreadable, Work, read_one
from tests.support.histories import Folded, histories
from tests.unit.read_projections.shelf import Shelf

LOG = histories(4, companies=1, events=4)
FIRST, SECOND, THIRD, FOURTH = range(4)


def good(place: int) -> Change:
    found = read_one(LOG[place])
    assert isinstance(found, CompanyEvent)
    return found


def torn(place: int) -> Change:
    found = read_one({**LOG[place], "type": "user.painted.v1"})
    assert isinstance(found, Unreadable)
    return found


def deliver(shelf: Shelf, *messages: list[Change]) -> None:
    """In one transaction, and what follows from it."""
    unfinished = shelf.transact([Work(changes=changes) for changes in messages]).unfinished
    while unfinished:
        unfinished = shelf.transact([Work(drain=unfinished)]).unfinished


def assert_exact(shelf: Shelf) -> None:
    assert (shelf.folded(), shelf.versions()) == (Folded.of(LOG), Folded.of(LOG).positions)
    assert (shelf.parked, shelf.ahead) == (set(), {})


@pytest.mark.parametrize("place", [FIRST, SECOND, FOURTH])
@pytest.mark.parametrize("good_first", [True, False])
def test_in_one_transaction(place: int, *, good_first: bool) -> None:
    copies = [[good(place)], [torn(place)]] if good_first else [[torn(place)], [good(place)]]
    shelf = Shelf()
    deliver(shelf, *([good(other)] for other in range(4) if other != place), *copies)
    assert_exact(shelf)


@pytest.mark.parametrize("good_first", [True, False])
def test_one_after_the_other_both_too_early(*, good_first: bool) -> None:
    copies = [good(THIRD), torn(THIRD)] if good_first else [torn(THIRD), good(THIRD)]
    shelf = Shelf()
    for change in (*copies, good(FOURTH), good(SECOND), good(FIRST)):
        deliver(shelf, [change])
    assert_exact(shelf)


@pytest.mark.parametrize(("early", "late"), [(good(SECOND), torn(SECOND)), (torn(SECOND), good(SECOND))])
def test_one_is_stored_when_the_other_comes_with_what_it_waits_for(early: Change, late: Change) -> None:
    shelf = Shelf()
    deliver(shelf, [early])
    deliver(shelf, [good(FIRST), late, good(THIRD), good(FOURTH)])
    assert_exact(shelf)


def test_alone_it_is_passed_and_parked() -> None:
    shelf = Shelf()
    deliver(shelf, [good(FIRST), torn(SECOND)], [torn(SECOND)], [good(THIRD), good(FOURTH)])
    assert shelf.versions() == Folded.of(LOG).positions
    assert shelf.parked == {f"{LOG[SECOND]['subject']}/2"}
