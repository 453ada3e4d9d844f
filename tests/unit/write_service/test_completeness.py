"""Every command has a handler, every domain event its wire form, every rejection its place."""

import inspect
from dataclasses import fields
from datetime import UTC, datetime
from typing import get_args

from contracts.commands import COMMANDS
from contracts.events import EVENTS, Outcome
from tests.unit.write_service.orders import an_id, register
from write_service.domain import events
from write_service.service_layer.handlers import HANDLERS
from write_service.service_layer.publishing import event_ids, event_record, published_event, wire_time

NOW = datetime(2026, 11, 24, 10, 0, 0, 5000, tzinfo=UTC)
SAMPLES = {"seat_limit": 5, "previous_seat_limit": 4, "role": "owner", "previous_role": "admin", "user_id": an_id()}


def test_every_command_has_a_handler_that_is_named_for_it() -> None:
    assert set(HANDLERS) == set(COMMANDS)
    for kind, handler in HANDLERS.items():
        command = next(iter(inspect.signature(handler).parameters.values())).annotation
        assert command is COMMANDS[kind]
        assert handler.__name__.replace("_", "") == command.__name__.lower()


def test_every_domain_event_reads_back_as_its_wire_event() -> None:
    command = register(an_id(), "Acme", correlationid="c", actor="a", tracestate="t=1")
    seen = set()
    for number, kind in enumerate(get_args(events.Event), 1):
        data = {field.name: SAMPLES.get(field.name, "words") for field in fields(kind)}
        record = event_record(kind(**data), number, command, event_id=an_id(), digest=b"", now=NOW)
        row = published_event(record)
        read = EVENTS[row.type].model_validate_json(row.body)
        assert read.data.model_dump() == data
        assert (read.id, read.time, read.commandid) == (record.event_id, "2026-11-24T10:00:00.005000Z", command.id)
        assert (read.correlationid, read.actor, read.traceparent, read.tracestate) == ("c", "a", None, "t=1")
        seen.add(row.type)
    assert seen == {kind for kind, event in EVENTS.items() if not issubclass(event, Outcome)}


def test_times_have_one_length_so_that_they_sort_as_text() -> None:
    assert wire_time(NOW.replace(microsecond=0)) == "2026-11-24T10:00:00.000000Z"


def test_event_ids_are_uuids_of_version_7_in_the_order_of_time() -> None:
    made = [*(next(ids) for ids in [event_ids(NOW)] * 4000), next(event_ids(NOW.replace(year=2027)))]
    assert made == sorted(made)
    assert len(set(made)) == 4001
    assert {(name[14], name[19] in "89ab", len(name)) for name in made} == {("7", True, 36)}
