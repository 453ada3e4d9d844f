"""Every message of the language has a sample, and every sample is a message of the language."""

from contracts.commands import COMMANDS
from contracts.events import EVENTS
from contracts.operations import OPERATIONS, REPLAY_TYPE
from contracts.queries import QUERIES
from contracts.reading import BATCH_KEY
from contracts.results import RESULTS
from tests.contracts.samples import FOLDER, names


def both(queries: object) -> set[str]:
    return {f"{name}.{part}" for name in queries for part in ("request", "reply")}  # type: ignore[attr-defined]


def test_every_command_has_a_sample_and_every_sample_a_command() -> None:
    assert names("commands") == {*COMMANDS, BATCH_KEY}


def test_every_event_has_a_sample_and_every_sample_an_event() -> None:
    assert names("events") == set(EVENTS)


def test_every_query_has_a_sample_of_request_and_reply_and_nothing_else_is_there() -> None:
    others = {"command.get.v1.rejected.reply", "not_found.reply", "invalid.reply", "stale.reply", "error.reply"}

    assert names("queries") == both(QUERIES) | others


def test_every_operation_has_a_sample_of_request_and_reply_and_nothing_else_is_there() -> None:
    assert names("operations") == both(OPERATIONS) | {"refused.reply", REPLAY_TYPE}


def test_every_status_of_a_reply_has_a_sample() -> None:
    assert names("replies") == {
        "accepted", "accepted.repeated", "rejected", "rejected.repeated", "invalid", "invalid.unreadable", "parked",
        "batch",
    }  # fmt: skip


def test_there_are_no_other_samples() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {"commands", "events", "queries", "operations", "replies"}


def test_every_query_has_a_class_of_results() -> None:
    assert set(RESULTS) == set(QUERIES)


def test_types_end_with_their_version() -> None:
    for name in [*COMMANDS, *EVENTS, *QUERIES, *OPERATIONS, BATCH_KEY]:
        stem, _, version = name.rpartition(".v")
        assert stem
        assert version == "1"
