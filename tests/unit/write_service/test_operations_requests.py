"""Requests of the read service, read from bytes; and events as the log gives them back, to the byte."""

import dataclasses
from typing import Any, get_args

import pytest
from pydantic_core import from_json, to_json

from contracts.events import EVENTS, CompanyEvent
from contracts.operations import EventsMissing, EventsReplay, HeadsChanged, Position
from tests.unit.write_service.fakes import NOW
from tests.unit.write_service.orders import an_id, order
from write_service.adapters.event_log import _as_published
from write_service.domain import events
from write_service.entrypoints.operations import InvalidRequest, read_request
from write_service.service_layer.publishing import event_record

COMPANY = an_id(7)
QUEUE = "read_service.replays.g2"


@pytest.mark.parametrize(
    ("operation", "body", "request_"),
    [
        (
            "events.missing.v1",
            {"company_id": COMPANY, "after_version": 3, "queue": QUEUE},
            EventsMissing(company_id=COMPANY, after_version=3, queue=QUEUE),
        ),
        (
            "events.replay.v1",
            {"queue": QUEUE, "after": {"company_id": COMPANY, "version": 2}, "limit": 7},
            EventsReplay(queue=QUEUE, after=Position(company_id=COMPANY, version=2), limit=7),
        ),
        ("heads.changed.v1", {}, HeadsChanged()),
    ],
)
def test_requests_are_read(operation: str, body: dict[str, Any], request_: Any) -> None:
    assert read_request(to_json(body), operation) == request_


@pytest.mark.parametrize(
    ("operation", "body", "kind"),
    [
        ("events.wanted.v1", b"{}", "unknown_operation"),
        ("events.missing.v1", b"no JSON", "json_invalid"),
        ("events.missing.v1", b"{}", "missing"),
        ("heads.changed.v1", b'{"untill": 3}', "extra_forbidden"),
        ("heads.changed.v1", b'{"since": "yesterday"}', "string_pattern_mismatch"),
        ("heads.changed.v1", b'{"limit": "5"}', "int_type"),
        ("heads.changed.v1", b'{"limit": 10001}', "less_than_equal"),
        ("events.replay.v1", b'{"queue": "write_service.commands"}', "string_pattern_mismatch"),
        ("events.replay.v1", b'{"queue": "read_service.x\\ny"}', "string_pattern_mismatch"),
        ("events.replay.v1", b'{"queue": "%s"}' % (b"x" * 300_000), "message_too_large"),
    ],
)
def test_what_cannot_be_read_is_said(operation: str, body: bytes, kind: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        read_request(body, operation)
    assert kind in {fault["type"] for fault in refusal.value.errors}
    assert len(str(refusal.value)) < 2_000


def made(kind: type[events.Event]) -> events.Event:
    """An event of this kind, with a value in every field."""
    values: dict[str, Any] = {field.name: 7 if field.type is int else "Zoë 💶" for field in dataclasses.fields(kind)}
    return kind(**values)


def kinds() -> tuple[type[events.Event], ...]:
    return get_args(events.Event)


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_an_event_from_the_log_is_the_same_to_the_byte(kind: type[events.Event]) -> None:
    command = order("company.activate", COMPANY)
    record = event_record(made(kind), 4, command, event_id=an_id(), digest=b"", now=NOW)
    stored = dict(sorted(from_json(record.data).items(), key=lambda item: (len(item[0]), item[0])))  # as jsonb has it
    assert _as_published(record.type, to_json(stored, indent=1).decode()) == record.data


def test_every_event_of_a_company_is_among_them() -> None:
    assert len(kinds()) == sum(issubclass(event, CompanyEvent) for event in EVENTS.values())


def test_an_event_that_this_version_does_not_know_is_sent_as_it_is_stored() -> None:
    assert _as_published("company.merged.v9", '{"b": 1, "a": [null]}') == '{"b":1,"a":[null]}'


def test_what_was_erased_stays_erased() -> None:
    stored = '{"role": "owner", "email": null, "user_id": "1", "full_name": null, "more": true}'
    assert _as_published("user.added.v1", stored) == (
        '{"user_id":"1","email":null,"full_name":null,"role":"owner","more":true}'
    )
