"""What counts as missing, and what is only late."""

import pytest

from contracts.operations import EventsSent
from read_service.entrypoints.repair import MOST_TRIES, verdict
from read_service.verification.noticing import MOST_WANTED, Gap, Noticing, Quiet, Wants, last_hole


def test_only_what_stands_still_for_a_moment_is_noticed() -> None:
    noticing = Noticing(1.0)
    assert noticing.standing_still(0.0, {"a": 4, "b": 7}) == {}
    assert noticing.standing_still(0.9, {"a": 4, "b": 8}) == {}
    assert noticing.standing_still(1.0, {"a": 4, "b": 8}) == {"a": 4}
    assert noticing.standing_still(2.0, {"b": 8}) == {"b": 8}
    assert noticing.standing_still(2.1, {"a": 4, "b": 8}) == {"b": 8}


def test_nobody_looks_while_nothing_comes_early_and_nobody_waits_and_somebody_does_now_and_then() -> None:
    quiet = Quiet(3.0)
    assert not quiet.lasts(0.0, stored=0, wanted=False)
    quiet.looked(0.0, early=False)
    assert quiet.lasts(2.9, stored=0, wanted=False)
    assert not quiet.lasts(2.9, stored=0, wanted=True)
    assert not quiet.lasts(3.0, stored=0, wanted=False)


def test_an_event_that_was_stored_as_early_is_looked_at_until_it_is_gone() -> None:
    quiet = Quiet(3.0)
    quiet.looked(0.0, early=False)
    for _ in range(2):  # the first look failed
        assert not quiet.lasts(0.5, stored=1, wanted=False)
    quiet.looked(0.5, early=True)
    assert not quiet.lasts(1.0, stored=1, wanted=False)
    quiet.looked(1.0, early=False)
    assert quiet.lasts(1.5, stored=1, wanted=False)


def test_a_version_is_wanted_after_a_moment_and_until_it_is_there_or_nobody_asks_any_more() -> None:
    wants = Wants(0.5)
    wants.want("a", 4, now=0.0)
    wants.want("a", 3, now=0.3)
    wants.want("b", 9, now=0.3)
    assert wants.lasting(0.4) == {}
    assert wants.lasting(0.6) == {"a": 4}
    wants.satisfied({"a": 3, "b": 9})
    assert wants.lasting(1.0) == {"a": 4}
    wants.satisfied({"a": 4})
    wants.want("c", 1, now=2.0)
    assert wants.lasting(13.9) == {"c": 1}
    assert wants.lasting(14.0) == {}


def test_made_up_tokens_cannot_fill_the_memory() -> None:
    wants = Wants(0.0)
    for number in range(MOST_WANTED + 5):
        wants.want(str(number), 1, now=0.0)
    assert len(wants.lasting(0.0)) == MOST_WANTED
    wants.dismiss("7")  # the log does not know it
    wants.dismiss("a company that nobody wants")
    wants.want("a", 1, now=0.0)
    assert (len(wants.lasting(0.0)), wants.lasting(0.0)["a"]) == (MOST_WANTED, 1)


@pytest.mark.parametrize(
    ("after", "stored", "hole"),
    [(4, [6], 5), (4, [6, 7, 9], 8), (0, [5], 4), (4, [5, 6], 4), (4, [], 4), (4, [6, 8, 9, 10], 7)],
)
def test_the_last_hole_below_the_early_events_is_where_a_request_ends(after: int, stored: list[int], hole: int) -> None:
    assert last_hole(after, stored) == hole


@pytest.mark.parametrize(
    ("sent", "head", "tries", "says"),
    [
        (3, 9, 1, None),
        (3, 7, MOST_TRIES, None),
        (0, 4, 1, "the log ends at version 4"),
        (2, 6, 1, "the log ends at version 6"),
        (2, 9, 1, "the log holds only 2"),
        (3, 9, MOST_TRIES + 1, "asked for"),
    ],
)
def test_a_gap_cannot_be_repaired_where_the_log_does_not_have_what_is_missing(
    sent: int, head: int, tries: int, says: str | None
) -> None:
    found = verdict(Gap("a", after=4, up_to=7), tries, EventsSent(sent=sent, head=head))
    assert found is None if says is None else says in (found or "")


def test_what_only_a_token_names_may_not_be_in_the_log_yet() -> None:
    assert verdict(Gap("a", after=4, up_to=7, seen=False), 1, EventsSent(sent=1, head=5)) is None
    assert verdict(Gap("a", after=4, up_to=7, seen=False), MOST_TRIES + 1, EventsSent(sent=0, head=4)) is None


def test_under_a_backlog_a_gap_must_have_stood_still_for_longer() -> None:
    noticing = Noticing(1.0)
    noticing.standing_still(0.0, {"a": 4})
    assert noticing.standing_still(9.9, {"a": 4}, moments=10.0) == {}
    assert noticing.standing_still(9.9, {"a": 4}) == {"a": 4}
    assert noticing.standing_still(10.0, {"a": 4}, moments=10.0) == {"a": 4}
