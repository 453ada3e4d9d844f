"""What must be refused is refused, with a reason that programs can tell apart; in a batch only the bad one."""

import json
from typing import Any

import pytest

from contracts.commands import Command
from contracts.making import new_id
from contracts.reading import BATCH, BATCH_KEY, SINGLE, InvalidCommand, Unreadable, read_command_message
from contracts.replies import Invalid, decode, encode
from contracts.values import MAX_MESSAGE_BYTES
from tests.contracts.samples import body, sample

REGISTER = "company.register.v1"
UPPER = "0192F3A4-2222-7ABC-8DEF-0123456789AB"


def changed(kind: str = REGISTER, /, **attributes: Any) -> dict[str, Any]:
    """A golden command with other attributes; None takes one away."""
    golden = {**sample("commands", kind), **attributes}
    return {key: value for key, value in golden.items() if value is not None}


def data(kind: str = REGISTER, /, **fields: Any) -> dict[str, Any]:
    """A golden command with other data."""
    return changed(kind, data={**sample("commands", kind)["data"], **fields})


def read(command: Any, key: str | None = None) -> Command | InvalidCommand:
    found = read_command_message(body(command), SINGLE, key or command["type"]).commands
    return found[0]


@pytest.mark.parametrize(
    ("command", "loc", "kind"),
    [
        (data(seat_limit="10"), ["data", "seat_limit"], "int_type"),
        (data(seat_limit=10.0), ["data", "seat_limit"], "int_type"),
        (data(seat_limit=True), ["data", "seat_limit"], "int_type"),
        (data(seat_limit=None), ["data", "seat_limit"], "int_type"),
        (data(seat_limit=0), ["data", "seat_limit"], "greater_than_equal"),
        (data(seat_limit=1_000_001), ["data", "seat_limit"], "less_than_equal"),
        (data(seat_limit=2**80), ["data", "seat_limit"], "less_than_equal"),
        (data(name="Acme\x00"), ["data", "name"], "control_character"),
        (data(name="Acme\x1b[31m"), ["data", "name"], "control_character"),
        (data(name=" \u3000 "), ["data", "name"], "text_length"),
        (data(name="x" * 201), ["data", "name"], "text_length"),
        (data(name=7), ["data", "name"], "string_type"),
        (data(colour="red"), ["data", "colour"], "extra_forbidden"),
        (changed("company.activate.v1", data={"now": True}), ["data", "now"], "extra_forbidden"),
        (changed("company.activate.v1", data=[]), ["data"], "model_type"),
        (changed(data="name"), ["data"], "model_type"),
        (data("company.suspend.v1", reason="x" * 501), ["data", "reason"], "text_length"),
        (data("user.add.v1", role="Owner"), ["data", "role"], "string_pattern_mismatch"),
        (data("user.add.v1", email="x" * 243 + "@example.com"), ["data", "email"], "email"),
        (data("user.add.v1", email="no address"), ["data", "email"], "email"),
        (data("user.add.v1", email="\x1c\na@b.c\x1f"), ["data", "email"], "control_character"),
        (data("user.add.v1", email="a@b.c\n"), ["data", "email"], "control_character"),
        (data("user.add.v1", user_id=UPPER), ["data", "user_id"], "string_pattern_mismatch"),
        (changed(id="0192F3A4-3333-7ABC-8DEF-0123456789AB"), ["id"], "string_pattern_mismatch"),
        (changed(id="0192f3a433337abc8def0123456789ab"), ["id"], "string_pattern_mismatch"),
        (changed(id="0192f3a4-3333-7abc-8def-0123456789ab\n"), ["id"], "string_pattern_mismatch"),
        (changed(id="4711"), ["id"], "string_pattern_mismatch"),
        (changed(id=4711), ["id"], "string_type"),
        (changed(id=None), ["id"], "missing"),
        (changed(subject="acme"), ["subject"], "string_pattern_mismatch"),
        (changed(subject=None), ["subject"], "missing"),
        (changed(source="s" * 256), ["source"], "attribute_length"),
        (changed(source="ö" * 128), ["source"], "attribute_length"),
        (changed(source=""), ["source"], "attribute_length"),
        (changed(actor="a" * 256), ["actor"], "attribute_length"),
        (changed(correlationid="c" * 256), ["correlationid"], "attribute_length"),
        (changed(specversion="0.3"), ["specversion"], "literal_error"),
        (changed(datacontenttype="text/xml"), ["datacontenttype"], "string_pattern_mismatch"),
        (changed(time="yesterday"), ["time"], "string_pattern_mismatch"),
        (changed(time="2026-02-30T10:00:00Z"), ["time"], "timestamp"),
        (changed(expectedversion="0"), ["expectedversion"], "int_type"),
        (changed(expectedversion=1.0), ["expectedversion"], "int_type"),
        (changed(expectedversion=-1), ["expectedversion"], "greater_than_equal"),
        (changed(expectedversion=2**31), ["expectedversion"], "less_than_equal"),
        (changed(traceparent="00-x"), ["traceparent"], "string_pattern_mismatch"),
        (changed(colour="red"), ["colour"], "extra_forbidden"),
        (changed(version=4), ["version"], "extra_forbidden"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_where_it_stands(command: dict[str, Any], loc: list[str], kind: str) -> None:
    found = read(command)

    assert isinstance(found, InvalidCommand)
    assert [(error["loc"], error["type"]) for error in found.errors] == [(loc, kind)]


@pytest.mark.parametrize(
    "command",
    [
        data(name="x" * 200),
        data(name="  Acme  "),
        data("user.add.v1", email="x" * 242 + "@example.com"),
        data("user.add.v1", email="  a@b.c "),
        changed(source="s" * 255, actor="a" * 255, correlationid="c" * 255),
        changed(expectedversion=0),
        changed(dataschema="https://example.com/schema"),
        changed(datacontenttype="application/json; charset=utf-8"),
        changed(time="2026-11-23T10:00:00.123456789+01:00"),
    ],
)
def test_what_lies_at_its_limit_is_accepted(command: dict[str, Any]) -> None:
    assert isinstance(read(command), Command)


@pytest.mark.parametrize(
    ("kind", "reason", "says"),
    [
        ("company.register.v2", "unknown_version", "company.register.v1"),
        ("company.register.v10", "unknown_version", "company.register.v1"),
        ("company.found.v1", "unknown_type", "no such command"),
        ("company.registered.v1", "unknown_type", "no such command"),
        ("batch.v1", "unknown_type", "no such command"),
        (None, "missing", "needs its type"),
        (7, "missing", "needs its type"),
    ],
)
def test_a_type_that_is_not_known_says_what_is(kind: Any, reason: str, says: str) -> None:
    command = changed(type=kind)

    found = read(command, REGISTER)

    assert isinstance(found, InvalidCommand)
    assert found.command_id == command["id"]
    [error] = found.errors
    assert (error["loc"], error["type"]) == (["type"], reason)
    assert says in error["msg"]


def test_a_routing_key_that_is_not_the_type_is_refused() -> None:
    found = read(sample("commands", REGISTER), "company.rename.v1")

    assert isinstance(found, InvalidCommand)
    assert [error["type"] for error in found.errors] == ["routing_key"]


@pytest.mark.parametrize(
    ("raw", "content_type", "key", "kind"),
    [
        (b"", SINGLE, REGISTER, "json_invalid"),
        (b"\xff\xfe", SINGLE, REGISTER, "json_invalid"),
        (b'{"name": "\xff"}', SINGLE, REGISTER, "json_invalid"),
        (b'{"id": NaN}', SINGLE, REGISTER, "json_invalid"),
        (b'{"id": Infinity}', SINGLE, REGISTER, "json_invalid"),
        (b'{"name": "\\ud800", "age": NaN}', SINGLE, REGISTER, "json_invalid"),
        (b"[" * 100_000, SINGLE, REGISTER, "json_invalid"),
        (b"{} {}", SINGLE, REGISTER, "json_invalid"),
        (b"\xef\xbb\xbf{}", SINGLE, REGISTER, "json_invalid"),
        (b'\xef\xbb\xbf{"name": "\\u00e9"}', SINGLE, REGISTER, "json_invalid"),
        (b"{}", None, REGISTER, "content_type"),
        (b"{}", "application/json", REGISTER, "content_type"),
        (b" " * (MAX_MESSAGE_BYTES + 1), SINGLE, REGISTER, "message_too_large"),
        (b"[]", BATCH, BATCH_KEY, "batch_size"),
        (b"{}", BATCH, BATCH_KEY, "batch_size"),
        (body([{}] * 101), BATCH, BATCH_KEY, "batch_size"),
        (body([{}]), BATCH, REGISTER, "routing_key"),
    ],
)
def test_a_message_of_which_nothing_can_be_told_gets_one_error(
    raw: bytes, content_type: str | None, key: str, kind: str
) -> None:
    with pytest.raises(Unreadable) as refused:
        read_command_message(raw, content_type, key)

    assert [error["type"] for error in refused.value.errors] == [kind]


@pytest.mark.parametrize(
    "planted", [{"source": "\ud800"}, {"data": {"name": "\udfff"}}, {"\ud800": 1}, {"id": "\ud800"}]
)
def test_of_a_batch_only_the_command_with_half_a_character_is_invalid(planted: dict[str, Any]) -> None:
    golden = sample("commands", REGISTER)
    raw = json.dumps([golden, {**golden, **planted}, golden]).encode()

    first, bad, last = read_command_message(raw, BATCH, BATCH_KEY).commands

    assert isinstance(first, Command)
    assert isinstance(last, Command)
    assert isinstance(bad, InvalidCommand)
    told = Invalid(bad.command_id, bad.errors)
    assert decode(encode([told])) == [told]  # its sender can be answered


def test_a_content_type_may_have_parameters_and_any_case() -> None:
    golden = sample("commands", REGISTER)

    message = read_command_message(body(golden), "Application/CloudEvents+JSON; charset=utf-8", REGISTER)

    assert isinstance(message.commands[0], Command)


def test_in_a_batch_only_the_bad_ones_are_refused() -> None:
    good, bad = sample("commands", REGISTER), data(seat_limit="10")
    message = read_command_message(body([good, bad, 7, {"type": "x"}, good]), BATCH, BATCH_KEY)

    kinds = [one.errors[0]["type"] if isinstance(one, InvalidCommand) else "fine" for one in message.commands]
    assert kinds == ["fine", "int_type", "object", "unknown_type", "fine"]


def test_a_batch_may_hold_one_hundred_commands() -> None:
    batch = [changed(id=new_id()) for _ in range(100)]

    assert len(read_command_message(body(batch), BATCH, BATCH_KEY).commands) == 100


def test_of_a_key_that_stands_twice_the_last_counts() -> None:
    raw = json.dumps(sample("commands", REGISTER))[:-1] + ', "source": "/last"}'

    [found] = read_command_message(raw.encode(), SINGLE, REGISTER).commands

    assert isinstance(found, Command)
    assert found.source == "/last"


def test_errors_do_not_echo_what_was_sent_and_are_few() -> None:
    secret = "secret" * 50
    found = read(data(**{f"{number}{secret}": secret for number in range(100)}))

    assert isinstance(found, InvalidCommand)
    assert len(found.errors) == 20
    assert all(len(str(part)) <= 100 for error in found.errors for part in error["loc"])
