"""The projection `companies`: one document a company."""

from collections.abc import Iterator

from contracts.values import folded
from read_service.projections.projection import Projection, Step
from read_service.projections.writes import Change, Create, Document, Write

NAME = "companies"


def on_company_registered(step: Step) -> Iterator[Write]:
    event = step.event
    document = {
        "name": event.data.name,
        "name_key": folded(event.data.name),
        "status": step.after.status,
        "status_reason": None,
        "seat_limit": event.data.seat_limit,
        "users": step.after.users,
        "version": event.version,
        "registered_at": event.time,
        "updated_at": event.time,
    }
    yield Create(NAME, event.subject, document)


def on_company_renamed(step: Step) -> Iterator[Write]:
    name = step.event.data.name
    yield _change(step, {"name": name, "name_key": folded(name)})


def on_company_activated(step: Step) -> Iterator[Write]:
    yield _change(step, {"status": step.after.status, "status_reason": None})


def on_company_stopped(step: Step) -> Iterator[Write]:
    yield _change(step, {"status": step.after.status, "status_reason": step.event.data.reason})


def on_seat_limit_changed(step: Step) -> Iterator[Write]:
    yield _change(step, {"seat_limit": step.event.data.seat_limit})


def on_users_counted(step: Step) -> Iterator[Write]:
    yield _change(step, {"users": step.after.users})


def on_user_changed(step: Step) -> Iterator[Write]:
    yield _change(step, {})


def _change(step: Step, fields: Document) -> Change:
    return Change(NAME, step.event.subject, {**fields, "version": step.event.version, "updated_at": step.event.time})


COMPANIES = Projection(
    NAME,
    {
        "company.registered.v1": on_company_registered,
        "company.renamed.v1": on_company_renamed,
        "company.activated.v1": on_company_activated,
        "company.suspended.v1": on_company_stopped,
        "company.closed.v1": on_company_stopped,
        "company.seat_limit_changed.v1": on_seat_limit_changed,
        "user.added.v1": on_users_counted,
        "user.removed.v1": on_users_counted,
        "user.role_changed.v1": on_users_counted,
        "user.renamed.v1": on_user_changed,
        "user.email_changed.v1": on_user_changed,
    },
    ignores=frozenset({"command.rejected.v1", "command.unchanged.v1"}),
)
