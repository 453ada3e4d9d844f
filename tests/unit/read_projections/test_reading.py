"""Whatever an event message holds: it becomes work, none of it is left out, and nothing is raised."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events import EVENTS, CompanyEvent, Outcome
from contracts.operations import REPLAY_TYPE
from contracts.values import MAX_MESSAGE_BYTES
from read_service.projections.reading import (
    EVENT,
    MESSAGE,
    Unreadable,
    Work,
    read_event_message,
    read_stored,
)
from tests.contracts.samples import body, sample

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
KINDS = st.sampled_from([*EVENTS, REPLAY_TYPE, "company.paint.v1", ""])
ATTRIBUTES = sorted({name for event in EVENTS.values() for name in event.model_fields})
CHANGED = st.builds(
    lambda kind, changes: {**sample("events", kind)[0], **changes},
    st.sampled_from(sorted(EVENTS)),
    st.dictionaries(st.sampled_from(ATTRIBUTES), JSON, max_size=3),
)


@settings(deadline=None)
@given(st.binary(max_size=300), KINDS)
def test_any_bytes_are_read(raw: bytes, kind: str) -> None:
    assert read_event_message(raw, kind).count == 1 or raw.strip() == b"[]"


@settings(deadline=None)
@given(JSON, KINDS)
def test_any_json_is_read(value: Any, kind: str) -> None:
    assert read_event_message(body(value), kind).count == (len(value) if isinstance(value, list) else 1)


@settings(deadline=None)
@given(st.lists(CHANGED | JSON, min_size=1, max_size=5), KINDS)
def test_no_event_of_a_message_is_left_out(values: list[Any], kind: str) -> None:
    work = read_event_message(body(values), kind)
    assert work.count == len(values)
    for change in work.changes:
        stored = change.parked.body if isinstance(change, Unreadable) else change.model_dump_json().encode()
        again = read_stored(stored)
        assert (type(again), again.subject, again.version) == (type(change), change.subject, change.version)


def test_every_event_is_read_alone_among_its_like_and_in_a_replay() -> None:
    for kind in EVENTS:
        events = sample("events", kind)
        for said in (kind, REPLAY_TYPE, "something else"):
            work = read_event_message(body(events), said)
            assert [one.type for one in (*work.changes, *work.outcomes) if isinstance(one, CompanyEvent | Outcome)] == [
                kind
            ]


def test_a_field_and_an_attribute_that_are_new_are_ignored() -> None:
    (event,) = sample("events", "company.renamed.v1")
    newer = {**event, "colour": "red", "data": {**event["data"], "shape": {"round": True}}}
    work = read_event_message(body([newer]), event["type"])
    assert work.changes == read_event_message(body([event]), event["type"]).changes


UNREADABLE: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown type": ({"type": "company.painted.v1"}, "not known here: company.painted.v1"),
    "a newer type": ({"type": "company.renamed.v2"}, "not known here: company.renamed.v2"),
    "a type that is none": ({"type": 7}, "not known here: 7"),
    "other data": ({"data": {"name": 7}}, "data.name"),
    "no data": ({"data": None}, "data"),
    "a number where a text belongs": ({"actor": float("inf")}, "actor"),
}


@pytest.mark.parametrize("fault", UNREADABLE)
def test_an_event_that_cannot_be_read_keeps_its_place_and_harms_no_neighbour(fault: str) -> None:
    changes, words = UNREADABLE[fault]
    (event,) = sample("events", "company.renamed.v1")
    bad = {**event, **changes, "version": event["version"] + 1}
    work = read_event_message(body([event, bad]), event["type"])
    good, unreadable = work.changes
    assert isinstance(good, CompanyEvent)
    assert isinstance(unreadable, Unreadable)
    parked = unreadable.parked
    assert (parked.kind, parked.company_id, parked.version) == (EVENT, event["subject"], event["version"] + 1)
    assert words in parked.reason
    assert json.loads(parked.body) == bad
    assert isinstance(read_stored(parked.body), Unreadable)


@pytest.mark.parametrize("place", [{"subject": "7"}, {"version": 0}, {"version": "3"}, {"version": True}])
def test_an_event_without_a_place_is_parked_alone(place: dict[str, Any]) -> None:
    (event,) = sample("events", "company.renamed.v1")
    work = read_event_message(body([event, {**event, **place}]), event["type"])
    assert (len(work.changes), [parked.kind for parked in work.parked]) == (1, [EVENT])
    assert (work.parked[0].company_id, work.parked[0].version) == (None, None)


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"\xff", b"7", b'{"type": 1}', b"[" * 100_000, b" " * (MAX_MESSAGE_BYTES + 1)]
)
def test_a_message_that_cannot_be_read_is_parked_whole(raw: bytes) -> None:
    work = read_event_message(raw, "company.renamed.v1")
    (parked,) = work.parked
    assert (parked.kind, parked.body, work) == (MESSAGE, raw, Work(parked=[parked], size=work.size))
    assert parked.key == read_event_message(raw, "other").parked[0].key


def test_a_number_that_is_too_long_for_python_is_read_too() -> None:
    (event,) = sample("events", "company.renamed.v1")
    for name in ("type", "version", "subject", "data"):
        raw = body([event]).replace(json.dumps(event[name]).encode(), b"1" * 5_000)
        assert read_event_message(raw, event["type"]).count == 1
