"""The projection `activity`: what happened to a company, one document an event."""

from collections.abc import Iterator

from contracts.events import EVENTS, CompanyEvent
from read_service.projections.projection import Projection, Step
from read_service.projections.writes import Add, Write

NAME = "activity"


def key_of(company_id: str, version: int) -> str:
    """The key of an entry: a company's entries lie together in the order of their versions, without a second index."""
    return f"{company_id}/{version:010}"


def on_company_event(step: Step) -> Iterator[Write]:
    event = step.event
    document = {
        "company_id": event.subject,
        "version": event.version,
        "type": event.type,
        "time": event.time,
        "event_id": event.id,
        "command_id": event.commandid,
        "actor": event.actor,
        "data": dict(event.data.__dict__),
    }
    yield Add(NAME, key_of(event.subject, event.version), document)


ACTIVITY = Projection(
    NAME,
    {kind: on_company_event for kind, event in EVENTS.items() if issubclass(event, CompanyEvent)},
    ignores=frozenset({"command.rejected.v1", "command.unchanged.v1"}),
)
