"""What the log and the metrics say of a committed batch, and of events that did not reach the bus."""

from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from contracts.publisher import ConfirmedPublisher, Returned, Unconfirmed
from contracts.replies import Accepted, Rejected, Reply
from tests.unit.write_service.orders import an_id, register
from write_service import metrics
from write_service.adapters.broker import BrokerEventMessages
from write_service.service_layer.outbox import Unpublished
from write_service.service_layer.report import MOST_NAMED, report


def test_the_line_of_a_batch_names_command_company_and_correlation() -> None:
    one, other = (register(an_id(), name).model_copy(update={"correlationid": f"of {name}"}) for name in ("One", "Two"))
    replies: list[Reply] = [
        Accepted(one.id, one.subject, 7, "token"),
        Rejected(other.id, other.subject, "name_taken", "", {}, repeated=False),
    ]
    with capture_logs() as lines:
        report([one, other], replies, seconds=0.0123)
    facts = {"type": "company.register.v1"}
    assert lines == [
        {
            "event": "committed",
            "log_level": "info",
            "commands": 2,
            "ms": 12.3,
            "accepted": 1,
            "rejected": 1,
            "named": [
                {**facts, **_ids(one), "outcome": "accepted", "version": 7},
                {**facts, **_ids(other), "outcome": "rejected", "code": "name_taken"},
            ],
        }
    ]


def _ids(command: Any) -> dict[str, Any]:
    return {
        "command_id": command.id,
        "company_id": command.subject,
        "correlation_id": command.correlationid,
    }


def test_of_a_large_batch_those_are_named_that_were_not_accepted() -> None:
    commands = [register(an_id(), f"Company {number}") for number in range(MOST_NAMED + 5)]
    replies: list[Any] = [Accepted(command.id, command.subject, 1, "token") for command in commands]
    replies[3] = Rejected(commands[3].id, commands[3].subject, "name_taken", "", {}, repeated=False)
    with capture_logs() as lines:
        report(commands, replies, seconds=0.01)
    assert [named["command_id"] for named in lines[0]["named"]] == [commands[3].id]


class Unwilling:
    """A broker that answers this to everything."""

    def __init__(self, answer: Exception) -> None:
        self.answer = answer

    async def publish(self, *_: Any, **__: Any) -> None:
        raise self.answer


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (Returned("no queue"), "registrar_write_returned_total"),
        (Unconfirmed("late"), "registrar_write_unconfirmed_total"),
    ],
)
async def test_events_that_did_not_reach_the_bus_are_counted(answer: Exception, name: str) -> None:
    messages = BrokerEventMessages(cast("ConfirmedPublisher", Unwilling(answer)), 4)
    before = metrics.REGISTRY.get_sample_value(name) or 0
    rows = [Unpublished(an_id(), "company.closed.v1", b"{}") for _ in range(3)]
    assert await messages.publish(rows, by="commit") == []
    assert metrics.REGISTRY.get_sample_value(name) == before + 3
