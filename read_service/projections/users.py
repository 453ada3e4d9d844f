"""The projection `users`: one document for each user of a company."""

from collections.abc import Iterator

from read_service.projections.projection import Projection, Step
from read_service.projections.writes import Change, Create, Document, Remove, Write

NAME = "users"


def on_user_added(step: Step) -> Iterator[Write]:
    event, data = step.event, step.event.data
    document = {
        "company_id": event.subject,
        "user_id": data.user_id,
        "email": data.email,
        "full_name": data.full_name,
        "role": data.role,
        "added_at": event.time,
        "updated_at": event.time,
    }
    yield Create(NAME, _key(step), document)


def on_user_role_changed(step: Step) -> Iterator[Write]:
    yield _change(step, {"role": step.event.data.role})


def on_user_renamed(step: Step) -> Iterator[Write]:
    yield _change(step, {"full_name": step.event.data.full_name})


def on_user_email_changed(step: Step) -> Iterator[Write]:
    yield _change(step, {"email": step.event.data.email})


def on_user_removed(step: Step) -> Iterator[Write]:
    yield Remove(NAME, _key(step))


def _change(step: Step, fields: Document) -> Change:
    return Change(NAME, _key(step), {**fields, "updated_at": step.event.time})


def _key(step: Step) -> str:
    return f"{step.event.subject}/{step.event.data.user_id}"


USERS = Projection(
    NAME,
    {
        "user.added.v1": on_user_added,
        "user.role_changed.v1": on_user_role_changed,
        "user.renamed.v1": on_user_renamed,
        "user.email_changed.v1": on_user_email_changed,
        "user.removed.v1": on_user_removed,
    },
    ignores=frozenset(
        {
            "company.registered.v1",
            "company.renamed.v1",
            "company.activated.v1",
            "company.suspended.v1",
            "company.closed.v1",
            "company.seat_limit_changed.v1",
            "command.rejected.v1",
            "command.unchanged.v1",
        }
    ),
)
