"""All projections: a new one is a file and a line here."""

from collections.abc import Iterator

from read_service.projections.activity import ACTIVITY
from read_service.projections.companies import COMPANIES
from read_service.projections.outcomes import OUTCOMES
from read_service.projections.projection import Handler, Step
from read_service.projections.statistics import STATISTICS
from read_service.projections.users import USERS
from read_service.projections.writes import Write

PROJECTIONS = (COMPANIES, USERS, ACTIVITY, STATISTICS, OUTCOMES)

_HANDLERS: dict[str, list[Handler]] = {}
for _projection in PROJECTIONS:
    for _kind, _handler in _projection.handlers.items():
        _HANDLERS.setdefault(_kind, []).append(_handler)


def writes_of(step: Step) -> Iterator[Write]:
    """What all projections write for one event."""
    for handler in _HANDLERS[step.event.type]:
        yield from handler(step)
