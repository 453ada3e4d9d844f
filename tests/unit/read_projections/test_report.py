"""What is told of a committed transaction: those who wait, and the numbers."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.events import CompanyEvent
from read_service.entrypoints.events import report
from read_service.projections.planning import Plan, Position
from read_service.projections.reading import EVENT, Parked, Unreadable, read_one
from tests.support.histories import histories
from tests.unit.read_projections.counted import Counted

LOG = histories(4, companies=1, events=8)
COMPANY = LOG[0]["subject"]
UNREADABLE = Unreadable(COMPANY, 9, Parked("key", EVENT, "torn", b"{}", COMPANY, 9, "user.painted.v1"))


def event(place: int = 0, **differing: Any) -> CompanyEvent:
    found = read_one({**LOG[place], **differing})
    assert isinstance(found, CompanyEvent)
    return found


def told(plan: Plan) -> list[Mapping[str, int]]:
    """What those hear who wait for versions."""
    heard: list[Mapping[str, int]] = []
    report(plan, heard.append)
    return heard


def test_those_who_wait_hear_of_the_versions_and_of_nothing_when_none_moved() -> None:
    assert told(Plan(positions={COMPANY: Position(7)})) == [{COMPANY: 7}]
    assert told(Plan(duplicates=1)) == []


def test_events_are_counted_by_type_and_those_that_cannot_be_read_by_none() -> None:
    events = [event(place) for place in range(len(LOG))]
    kinds = {one.type for one in events}
    counted = {kind: Counted("events_total", type=kind) for kind in kinds}
    told(Plan(applied=[*events, UNREADABLE]))
    assert len(kinds) > 2
    assert {kind: one.grown for kind, one in counted.items()} == {
        kind: sum(one.type == kind for one in events) for kind in kinds
    }


def test_a_batch_has_the_size_of_what_was_applied_and_no_batch_has_none() -> None:
    batches, sizes = Counted("batch_size_count"), Counted("batch_size_sum")
    told(Plan(applied=[event(0), event(1), UNREADABLE]))
    told(Plan(duplicates=5, store=[event(3)]))
    assert (batches.grown, sizes.grown) == (1, 3)


def test_duplicates_early_and_parked_ones_are_counted() -> None:
    duplicates, early = Counted("duplicates_total"), Counted("early_total")
    parked = Counted("parked_total", kind=EVENT)
    told(Plan(duplicates=4, store=[event(2), event(3)], parked=[UNREADABLE.parked]))
    assert (duplicates.grown, early.grown, parked.grown) == (4, 2, 1)


@pytest.mark.parametrize(("ago", "seen"), [(100, 100), (-100, 0)])
def test_the_way_to_the_documents_is_timed_and_no_clock_makes_it_less_than_nothing(ago: int, seen: int) -> None:
    events, seconds = Counted("visibility_seconds_count"), Counted("visibility_seconds_sum")
    moment = (datetime.now(UTC) - timedelta(seconds=ago)).isoformat().replace("+00:00", "Z")
    told(Plan(applied=[event(time=moment), event(time=moment), UNREADABLE]))
    assert events.grown == 2
    assert seconds.grown == pytest.approx(2 * seen, abs=5)
