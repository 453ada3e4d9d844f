"""The golden replies, queries, results and operations: written as they stand, and read as what they are."""

import json
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from contracts import operations, replies
from contracts.events import EVENTS, Event
from contracts.hearing import read_answer
from contracts.operations import OPERATIONS
from contracts.queries import QUERIES
from contracts.replies import Accepted, Invalid, Parked, Rejected, Reply
from contracts.results import RESULTS, Failed, InvalidQuery, NotFound, Ok, QueryReply, Stale
from tests.contracts.samples import body, names, sample

ANSWERS: dict[str, type[BaseModel]] = {
    operations.EVENTS_MISSING: operations.EventsSent,
    operations.EVENTS_REPLAY: operations.PageSent,
    operations.HEADS_CHANGED: operations.Heads,
}
STATUS: dict[str, type[Reply]] = {"accepted": Accepted, "rejected": Rejected, "invalid": Invalid, "parked": Parked}


@pytest.mark.parametrize("name", sorted(names("replies") - {"batch"}))
def test_a_reply_is_read_as_its_class_and_written_again_to_the_letter(name: str) -> None:
    golden = sample("replies", name)

    [reply] = replies.decode(body(golden))

    assert type(reply) is STATUS[golden["status"]]
    assert json.loads(replies.encode(reply)) == golden


def test_the_reply_to_a_batch_is_an_array_in_the_order_of_its_commands() -> None:
    golden = sample("replies", "batch")

    read = replies.decode(body(golden))

    assert [type(reply) for reply in read] == [Accepted, Rejected, Invalid, Parked]
    assert json.loads(replies.encode(read)) == golden


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_is_read_and_written_to_the_letter(name: str) -> None:
    golden = sample("queries", f"{name}.request")

    query = QUERIES[name].model_validate_json(body(golden))

    assert json.loads(query.model_dump_json(exclude_unset=True)) == golden


@pytest.mark.parametrize(
    ("name", "query"),
    [*((f"{name}.reply", name) for name in RESULTS), ("command.get.v1.rejected.reply", "command.get.v1")],
)
def test_a_result_is_read_as_its_class_and_written_again_to_the_letter(name: str, query: str) -> None:
    golden = sample("queries", name)

    answer = read_answer(body(golden), query)

    assert isinstance(answer, Ok)
    assert json.loads(answer.model_dump_json()) == golden
    assert json.loads(TypeAdapter(RESULTS[query]).dump_json(answer.result)) == golden["result"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("not_found", NotFound), ("invalid", InvalidQuery), ("stale", Stale), ("error", Failed)],
)
def test_an_answer_without_a_result_is_read_and_written_to_the_letter(name: str, kind: type[BaseModel]) -> None:
    golden = sample("queries", f"{name}.reply")

    answer: Any = TypeAdapter(QueryReply).validate_json(body(golden))

    assert type(answer) is kind
    assert json.loads(answer.model_dump_json()) == golden


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_and_its_answer_are_read_and_written_to_the_letter(name: str) -> None:
    request, reply = sample("operations", f"{name}.request"), sample("operations", f"{name}.reply")

    assert json.loads(OPERATIONS[name].model_validate_json(body(request)).model_dump_json()) == request
    assert json.loads(ANSWERS[name].model_validate_json(body(reply)).model_dump_json()) == reply


def test_a_refused_operation_is_read_and_written_to_the_letter() -> None:
    golden = sample("operations", "refused.reply")

    assert json.loads(operations.Refused.model_validate_json(body(golden)).model_dump_json()) == golden


def test_a_replay_holds_events_of_many_types() -> None:
    golden = sample("operations", operations.REPLAY_TYPE)

    events: list[Event] = [EVENTS[one["type"]].model_validate(one) for one in golden]

    assert [event.type for event in events] == ["company.registered.v1", "user.added.v1"]


@pytest.mark.parametrize("queue", ["write_service.commands", "read_service.", "read_service.A", "", "read_service.x/y"])
def test_events_are_sent_only_into_queues_of_the_read_service(queue: str) -> None:
    for name in (operations.EVENTS_MISSING, operations.EVENTS_REPLAY):
        request = {**sample("operations", f"{name}.request"), "queue": queue}
        with pytest.raises(ValueError, match="queue"):
            OPERATIONS[name].model_validate_json(body(request))
