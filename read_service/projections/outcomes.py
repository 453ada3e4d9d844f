"""The projection `outcomes`: commands that changed nothing, by command id, until they expire."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from contracts.events import EVENTS, Outcome
from read_service.projections.projection import Projection, Step
from read_service.projections.writes import Put, Write

NAME = "outcomes"


def on_command_rejected(step: Step) -> Iterator[Write]:
    data = step.event.data
    yield _put(step, {"kind": "rejected", "code": data.code, "message": data.message, "details": data.details})


def on_command_unchanged(step: Step) -> Iterator[Write]:
    yield _put(step, {"kind": "unchanged"})


def _put(step: Step, fields: dict[str, Any]) -> Put:
    event = step.event
    about = {
        "company_id": event.subject,
        "command_type": event.data.command_type,
        "time": event.time,
        "at": datetime.fromisoformat(event.time),  # from here the database counts the days until it forgets
    }
    return Put(NAME, event.data.command_id, {**about, **fields})


OUTCOMES = Projection(
    NAME,
    {"command.rejected.v1": on_command_rejected, "command.unchanged.v1": on_command_unchanged},
    ignores=frozenset(kind for kind, event in EVENTS.items() if not issubclass(event, Outcome)),
)
