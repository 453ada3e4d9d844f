"""The golden events, written and read: the write service publishes them to the letter, readers read what they say."""

import json
from datetime import datetime
from typing import Any

import pytest

from contracts.commands import COMMANDS, Command
from contracts.events import EVENT_LISTS, EVENTS, CompanyEvent
from tests.contracts.samples import body, sample
from write_service.domain import events as domain
from write_service.service_layer.publishing import _WIRE_TYPES, event_record, published_event, published_outcome
from write_service.service_layer.records import REJECTED, UNCHANGED, Kind, Outcome

_DOMAIN: dict[str, type[domain.Event]] = {name: event for event, name in _WIRE_TYPES.items()}


def cause(golden: dict[str, Any], kind: str = "company.activate.v1") -> Command:
    """A command that causes an event with these attributes."""
    copied = {name: golden.get(name) for name in ("correlationid", "actor", "traceparent", "tracestate")}
    envelope = {"specversion": "1.0", "id": golden["commandid"], "source": "/test", "type": kind}
    data = sample("commands", kind)["data"]
    return COMMANDS[kind].model_validate({**envelope, "subject": golden["subject"], **copied, "data": data})


@pytest.mark.parametrize("name", _DOMAIN)
def test_the_write_service_publishes_the_golden_event(name: str) -> None:
    [golden] = sample("events", name)
    now = datetime.fromisoformat(golden["time"])
    event = _DOMAIN[name](**golden["data"])

    record = event_record(
        event, golden["version"], cause(golden), event_id=golden["id"], digest=b"", now=now
    )  # fmt: skip

    assert json.loads(published_event(record).body) == golden


@pytest.mark.parametrize(("name", "kind"), [("command.rejected.v1", REJECTED), ("command.unchanged.v1", UNCHANGED)])
def test_the_write_service_publishes_the_golden_news_of_a_command(name: str, kind: Kind) -> None:
    [golden] = sample("events", name)
    data = golden["data"]
    command = cause(golden, data["command_type"])
    said = {field: data.get(field) for field in ("code", "message", "details")}

    outcome = Outcome(command.id, command.subject, command.digest(), kind, **said)
    written = published_outcome(outcome, command, event_id=golden["id"], now=datetime.fromisoformat(golden["time"]))

    assert json.loads(written.body) == golden


@pytest.mark.parametrize("name", EVENTS)
def test_readers_read_the_golden_event(name: str) -> None:
    golden = sample("events", name)

    [event] = EVENT_LISTS[name].validate_json(body(golden))

    read = event.model_dump(exclude_none=True)
    assert type(event) is EVENTS[name]
    assert read == {key: value for key, value in golden[0].items() if key != "datacontenttype"}


@pytest.mark.parametrize("name", EVENTS)
def test_readers_ignore_fields_that_they_do_not_know(name: str) -> None:
    [golden] = sample("events", name)
    newer = {**golden, "newattribute": 1, "data": {**golden["data"], "new_field": [1]}}

    assert EVENT_LISTS[name].validate_json(body([newer])) == EVENT_LISTS[name].validate_json(body([golden]))


@pytest.mark.parametrize("name", ["user.added.v1", "user.renamed.v1", "user.email_changed.v1"])
def test_readers_accept_a_person_erased_from_history(name: str) -> None:
    [golden] = sample("events", name)
    erased = {field: None for field in ("email", "full_name") if field in golden["data"]}

    [event] = EVENT_LISTS[name].validate_json(body([{**golden, "data": {**golden["data"], **erased}}]))

    assert event.data.model_dump() == {**golden["data"], **erased}


@pytest.mark.parametrize("name", [name for name, event in EVENTS.items() if issubclass(event, CompanyEvent)])
@pytest.mark.parametrize("version", [None, "4", 4.0, True, -1, 2**31])
def test_an_event_of_a_company_has_a_version_that_is_a_number(name: str, version: object) -> None:
    [golden] = sample("events", name)

    with pytest.raises(ValueError, match="version"):
        EVENT_LISTS[name].validate_json(body([{**golden, "version": version}]))
