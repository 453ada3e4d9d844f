"""Every event is handled or ignored by each projection, and says so once."""

import inspect

from contracts.events import EVENTS
from read_service.projections.projection import Step
from read_service.projections.projections import PROJECTIONS, writes_of
from read_service.projections.reading import read_one
from read_service.projections.writes import Count
from tests.contracts.samples import sample


def test_each_projection_handles_or_ignores_every_event() -> None:
    undecided = {one.name: EVENTS.keys() ^ (one.handlers.keys() | one.ignores) for one in PROJECTIONS}
    assert undecided == {one.name: set() for one in PROJECTIONS}


def test_no_projection_handles_what_it_ignores() -> None:
    assert [one.name for one in PROJECTIONS if one.handlers.keys() & one.ignores] == []


def test_projections_have_names_of_their_own_and_write_to_them_alone() -> None:
    assert len({one.name for one in PROJECTIONS}) == len(PROJECTIONS)
    for projection in PROJECTIONS:
        for kind, handler in projection.handlers.items():
            (event,) = sample("events", kind)
            for write in handler(Step(read_one(event))):
                assert (projection.name if isinstance(write, Count) else write.collection) == (
                    "statistics" if isinstance(write, Count) else projection.name
                )


def test_handlers_are_named_for_what_happened() -> None:
    handlers = {handler for one in PROJECTIONS for handler in one.handlers.values()}
    assert [handler for handler in handlers if not handler.__name__.startswith("on_")] == []
    assert all(inspect.isgeneratorfunction(handler) for handler in handlers)


def test_every_event_leaves_something_to_be_read() -> None:
    for kind in EVENTS:
        (event,) = sample("events", kind)
        assert list(writes_of(Step(read_one(event)))) != []
