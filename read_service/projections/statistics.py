"""The projection `statistics`: counters over all companies and users, moved by what an event changes of them."""

from collections.abc import Iterator

from contracts.values import ROLES
from read_service.projections.projection import Projection, Step
from read_service.projections.standing import Standing
from read_service.projections.writes import Count, Write


def on_counted(step: Step) -> Iterator[Write]:
    yield from moved(step.before, step.after)


def moved(before: Standing, after: Standing) -> Iterator[Count]:
    """What moves when a company that stood here stands there; users count under the status of their company."""
    if before.status != after.status:
        yield from _all_of(before, -1)
        yield from _all_of(after, +1)
    elif after.status is not None:
        for role, had, has in zip(ROLES, before.counts, after.counts, strict=True):
            if had != has:
                yield Count(f"users.{after.status}.{role}", has - had)


def _all_of(standing: Standing, by: int) -> Iterator[Count]:
    if standing.status is not None:
        yield Count(f"companies.{standing.status}", by)
        for role, count in standing.users.items():
            if count:
                yield Count(f"users.{standing.status}.{role}", by * count)


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
