"""Whatever comes over the bus: reading ends in commands with or without errors, or in Unreadable; nothing else."""

import itertools
import json
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import replies, tokens
from contracts.batching import array, cut
from contracts.commands import COMMANDS, Command
from contracts.failures import BadReply
from contracts.hearing import read_answer, read_replies
from contracts.reading import BATCH, BATCH_KEY, SINGLE, InvalidCommand, Unreadable, read_command_message
from contracts.values import MAX_MESSAGE_BYTES
from tests.contracts.samples import body, sample

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
ATTRIBUTES = sorted({name for command in COMMANDS.values() for name in command.model_fields})
CHANGED = st.builds(
    lambda name, changes: {**sample("commands", name), **changes},
    st.sampled_from(sorted(COMMANDS)),
    st.dictionaries(st.sampled_from(ATTRIBUTES), JSON, min_size=1, max_size=3),
)


def outcome_of(raw: bytes, content_type: str, key: str) -> list[Command | InvalidCommand]:
    try:
        return read_command_message(raw, content_type, key).commands
    except Unreadable as refused:
        replies.encode(replies.Invalid(None, refused.errors))
        return []


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from([SINGLE, BATCH]), st.sampled_from([*COMMANDS, BATCH_KEY]))
def test_any_bytes_can_be_read(raw: bytes, content_type: str, key: str) -> None:
    assert all(isinstance(one, InvalidCommand) for one in outcome_of(raw, content_type, key))


@settings(deadline=None)
@given(JSON | CHANGED)
def test_any_json_can_be_read_alone(value: Any) -> None:
    for one in outcome_of(body(value), SINGLE, value.get("type", "") if isinstance(value, dict) else ""):
        if isinstance(one, InvalidCommand):
            assert one.errors
            json.loads(replies.encode(replies.Invalid(one.command_id, one.errors)))


@settings(deadline=None)
@given(st.lists(CHANGED | JSON, min_size=1, max_size=5))
def test_any_json_can_be_read_in_a_batch_and_leaves_no_command_out(values: list[Any]) -> None:
    found = outcome_of(body(values), BATCH, BATCH_KEY)

    assert found == [] or len(found) == len(values)


@settings(deadline=None)
@given(st.binary(max_size=200) | JSON.map(body))
def test_any_answer_is_read_or_is_a_bad_reply(raw: bytes) -> None:
    for read in (lambda: read_replies(raw, ["an id"]), lambda: read_answer(raw, "company.get.v1")):
        try:
            read()
        except BadReply:
            continue


@settings(deadline=None)
@given(st.uuids(), st.integers(0, 2**31 - 1))
def test_a_token_names_what_it_was_made_of(company: uuid.UUID, version: int) -> None:
    assert tokens.decode(tokens.encode(str(company), version)) == (str(company), version)


@pytest.mark.parametrize(
    "text", ["", "ab", "00000000-0000-4000-8000-0000000000", "00000000-0000-4000-8000-00000000000000", "no id at all"]
)
def test_no_token_is_made_of_what_is_no_id(text: str) -> None:
    with pytest.raises(ValueError, match=r"id|hexadecimal"):
        tokens.encode(text, 1)


def test_a_token_of_a_version_that_no_company_can_have_is_refused() -> None:
    with pytest.raises(ValueError, match="not a token"):
        tokens.decode(tokens.encode(str(uuid.uuid4()), 2**31))


@settings(deadline=None)
@given(st.text(max_size=40) | st.binary(max_size=30).map(lambda raw: raw.decode("latin-1")))
def test_any_other_token_is_refused_with_a_value_error(text: str) -> None:
    try:
        company, version = tokens.decode(text)
    except ValueError:
        return
    assert tokens.encode(company, version) == text


def test_a_token_cut_short_or_altered_is_refused() -> None:
    token = tokens.encode(str(uuid.uuid4()), 1)
    for altered in (token[:-1], token + "A", token[:-4], " " + token, token.replace(token[0], "B", 1), ""):
        with pytest.raises(ValueError, match="not a token"):
            tokens.decode(altered)


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 60).map(lambda size: b"x" * size), max_size=60), st.integers(1, 10), st.integers(70, 200)
)
def test_cutting_keeps_all_objects_in_their_order_within_both_limits(
    objects: list[bytes], most: int, limit: int
) -> None:
    runs = list(cut(objects, most, limit))

    assert [one for run in runs for one in run] == objects
    assert all(1 <= len(run) <= most and len(array(run)) <= limit for run in runs)
    for run, following in itertools.pairwise(runs):
        assert len(run) == most or len(array([*run, following[0]])) >= limit - 1


def test_cutting_keeps_to_the_limits_of_a_message() -> None:
    runs = list(cut([b"x" * 5_000] * 300))

    assert all(len(run) <= 100 and len(array(run)) <= MAX_MESSAGE_BYTES for run in runs)
