"""The projection `statistics`: counters over all companies and users, moved by what an event changes of them."""

from collections.abc import Iterator

from read_service.projections.projection import Projection, Step
from read_service.projections.standing import Standing
from read_service.projections.writes import Count, Write


def on_counted(step: Step) -> Iterator[Write]:
    yield from moved(step.before, step.after)


def moved(before: Standing, after: Standing) -> Iterator[Count]:
    """What moves when a company that stood here stands there; users count under the status of their company."""
    here, there = _counted(before), _counted(after)
    for path in here.keys() | there.keys():
        if by := there.get(path, 0) - here.get(path, 0):
            yield Count(path, by)


def _counted(standing: Standing) -> dict[str, int]:
    if standing.status is None:
        return {}
    users = {f"users.{standing.status}.{role}": count for role, count in standing.users.items()}
    return {f"companies.{standing.status}": 1, **users}


STATISTICS = Projection(
    "statistics",
    dict.fromkeys(
        (
            "company.registered.v1",
            "company.activated.v1",
            "company.suspended.v1",
            "company.closed.v1",
            "user.added.v1",
            "user.removed.v1",
            "user.role_changed.v1",
        ),
        on_counted,
    ),
    ignores=frozenset(
        {
            "company.renamed.v1",
            "company.seat_limit_changed.v1",
            "user.renamed.v1",
            "user.email_changed.v1",
            "command.rejected.v1",
            "command.unchanged.v1",
        }
    ),
)
