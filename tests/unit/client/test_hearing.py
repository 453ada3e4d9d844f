"""Answers: one reply a command, in their order, or it is said what is wrong."""

import pytest

from contracts import replies
from contracts.errors import error
from contracts.failures import BadReply
from contracts.hearing import read_replies
from contracts.replies import Invalid, Parked

UNREADABLE = error("json_invalid", "no JSON", "body")


def test_replies_that_are_fewer_or_more_than_the_commands_are_refused() -> None:
    two = replies.encode([Parked("a", "x"), Parked("b", "x")])

    assert read_replies(two, ["a", "b"]) == [Parked("a", "x"), Parked("b", "x")]
    for ids in (["a"], ["a", "b", "c"]):
        with pytest.raises(BadReply, match=rf"2 replies came back to {len(ids)} commands"):
            read_replies(two, ids)


def test_an_unreadable_message_makes_all_its_commands_invalid() -> None:
    whole = replies.encode(Invalid(None, [UNREADABLE]))

    assert read_replies(whole, ["a", "b"]) == [Invalid("a", [UNREADABLE]), Invalid("b", [UNREADABLE])]


def test_an_invalid_command_alone_is_itself() -> None:
    assert read_replies(replies.encode(Invalid("a", [UNREADABLE])), ["a"]) == [Invalid("a", [UNREADABLE])]
