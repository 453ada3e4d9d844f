"""When a command is a repeat: type, subject, expected version and normalised data count, time and trace do not."""

from typing import Any

import pytest

from contracts.commands import COMMANDS, Command
from tests.contracts.samples import sample


def digest(name: str = "company.register.v1", data: Any = None, **attributes: Any) -> bytes:
    golden = {**sample("commands", name), **attributes}
    golden["data"] = golden["data"] if data is None else data
    command: Command = COMMANDS[golden["type"]].model_validate(golden)
    return command.digest()


@pytest.mark.parametrize(
    "other",
    [
        {"time": "2030-01-01T00:00:00Z"},
        {"time": None},
        {"source": "/somebody/else"},
        {"actor": "ada"},
        {"correlationid": "c"},
        {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"},
        {"tracestate": "a=b"},
        {"id": "0192f3a4-3333-7abc-8def-ffffffffffff"},
        {"data": {"seat_limit": 10, "name": "Acme & Söhne"}},
        {"data": {"name": "  Acme  &  Söhne ", "seat_limit": 10}},
        {"data": {"name": "Acme & So\u0308hne", "seat_limit": 10}},
    ],
)
def test_a_repeat_may_differ_in_this(other: dict[str, Any]) -> None:
    assert digest(**other) == digest()


@pytest.mark.parametrize(
    "other",
    [
        {"data": {"name": "Acme & Söhne", "seat_limit": 11}},
        {"data": {"name": "acme & söhne", "seat_limit": 10}},
        {"data": {"name": "Acme & Söhne"}},
        {"subject": "0192f3a4-1111-7abc-8def-ffffffffffff"},
        {"expectedversion": 0},
    ],
)
def test_a_repeat_may_not_differ_in_this(other: dict[str, Any]) -> None:
    assert digest(**other) != digest()


def test_a_default_that_is_written_out_is_the_same_command() -> None:
    assert digest(data={"name": "Acme"}) == digest(data={"name": "Acme", "seat_limit": 5})


def test_emails_count_in_lower_case() -> None:
    user = sample("commands", "user.change_email.v1")["data"]

    loud = digest("user.change_email.v1", {**user, "email": " Ada.King@ACME.example"})

    assert loud == digest("user.change_email.v1", user)


def test_expected_version_zero_is_not_the_same_as_none() -> None:
    assert digest("company.activate.v1", expectedversion=0) != digest("company.activate.v1")


def test_commands_without_data_differ_by_their_type() -> None:
    assert digest("company.suspend.v1") != digest("company.close.v1")


def test_digests_stay_what_they_are() -> None:
    # They are stored: a change of this value would make every repeat of an old command an `id_reused`.
    assert digest().hex() == "ffbc1acc4d8d54b30a9d46a9d1038b1545043008bf3547df53488e391fca05d5"
    assert len(digest()) == 32


@pytest.mark.parametrize("email", [" Zoë@Example.com ", "zoe\u0308@example.com", "ZOE\u0308@EXAMPLE.COM"])
def test_addresses_that_look_the_same_are_the_same(email: str) -> None:
    fields = sample("commands", "user.add.v1")["data"]
    assert digest("user.add.v1", {**fields, "email": email}) == digest(
        "user.add.v1", {**fields, "email": "zoë@example.com"}
    )
