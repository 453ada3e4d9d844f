"""What is refused, and how: parameters, prefixes that would like to be patterns, messages nobody can answer."""

import asyncio
import json
from typing import Any

import pytest

from contracts.topology import READ_QUERIES
from contracts.values import MAX_MESSAGE_BYTES
from read_service.metrics import REGISTRY
from tests.integration.read_views import given
from tests.integration.read_views.reader import Reader
from tests.support.eventually import eventually
from tests.support.not_text import NotText

ANYTHING = {"$ne": None}
ID = given.new_id()


def types(errors: list[dict[str, Any]]) -> set[str]:
    """The words that errors have for programs."""
    return {one["type"] for one in errors}


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("ac", ["ACME", "Acme GmbH"]),
        ("  Acme ", ["ACME", "Acme GmbH"]),
        ("acme g", ["Acme GmbH"]),
        (".*", []),
        ("^a", []),
        ("a.me", []),
        ("$", ["$100 Shop"]),
        ("(", ["(Brackets)"]),
        ("[a-z]", []),
        ("\\", ["\\back"]),
        ("STRASSE", ["Straße 1"]),
        ("\uff33traße", ["Straße 1"]),  # a full-width S
        ("日", ["日本"]),
        ("😀", ["😀 smile"]),
        ("\U0010ffff", []),
        ("cme", []),
    ],
)
async def test_a_prefix_is_taken_as_it_is_written_whatever_its_case(
    reader: Reader, prefix: str, found: list[str]
) -> None:
    names = ["ACME", "Acme GmbH", "$100 Shop", "(Brackets)", "\\back", "Straße 1", "日本", "😀 smile", "Beta"]
    await reader.given(companies=[given.company(name) for name in names])

    over_bus = await reader.bus.ask("company.list.v1", name_prefix=prefix)
    over_http = await reader.get("/companies", name_prefix=prefix)

    assert sorted(one["name"] for one in over_bus["result"]["items"]) == sorted(found)
    assert over_http.json() == over_bus["result"]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("company.get.v1", {"company_id": ANYTHING}),
        ("company.get.v1", {"company_id": [ID]}),
        ("company.get.v1", {"company_id": ID.upper()}),
        ("company.get.v1", {}),
        ("company.get.v1", {"company_id": ID, "unknown": 1}),
        ("company.get.v1", {"company_id": ID, "wait_ms": 10_001}),
        ("company.get.v1", {"company_id": ID, "wait_ms": -1}),
        ("company.get.v1", {"company_id": ID, "wait_ms": "1"}),
        ("company.get.v1", {"company_id": ID, "wait_ms": 1.0}),
        ("company.get.v1", {"company_id": ID, "after": ["x"] * 101}),
        ("company.get.v1", {"company_id": ID, "after": "no token"}),
        ("company.get.v1", {"company_id": ID, "after": ANYTHING}),
        ("company.list.v1", {"status": ANYTHING}),
        ("company.list.v1", {"status": "deleted"}),
        ("company.list.v1", {"name_prefix": ANYTHING}),
        ("company.list.v1", {"name_prefix": "x" * 201}),
        ("company.list.v1", {"name_prefix": " "}),
        ("company.list.v1", {"name_prefix": "\u2003\t"}),
        ("company.list.v1", {"sort": "seat_limit"}),
        ("company.list.v1", {"limit": 0}),
        ("company.list.v1", {"limit": 201}),
        ("company.list.v1", {"limit": True}),
        ("company.list.v1", {"cursor": ANYTHING}),
        ("user.list.v1", {"company_id": ID, "role": ANYTHING}),
        ("user.find.v1", {"email": ANYTHING}),
        ("user.find.v1", {"email": "nobody"}),
        ("statistics.get.v1", {"company_id": ID}),
    ],
)
async def test_parameters_that_cannot_be_are_invalid(reader: Reader, name: str, parameters: dict[str, Any]) -> None:
    reply = await reader.bus.ask(name, **parameters)

    assert reply["status"] == "invalid"
    assert all(one.keys() == {"loc", "msg", "type"} for one in reply["errors"])


@pytest.mark.parametrize(
    "query",
    [
        "status=active&status=closed",
        "limit=1&limit=2",
        "limit=abc",
        "limit=1.0",
        "limit=",
        "limit=%2B1",
        "limit=99999999999999999999",
        "name_prefix[$ne]=x",
        "name_prefix=",
        "cursor=",
        "unknown=1",
        "after=",
        "wait_ms=10001",
        "status=%00",
        "name_prefix=%FF",
        "name_prefix=%ED%A0%80",
        "%FF=1",
    ],
)
async def test_addresses_that_cannot_be_are_unprocessable(reader: Reader, query: str) -> None:
    response = await reader.http.get(f"/companies?{query}")

    assert (response.status_code, response.headers["content-type"]) == (422, "application/problem+json")
    assert response.json()["errors"]


@pytest.mark.parametrize(
    ("name", "body", "kind"),
    [
        ("company.get.v1", b"", "json_invalid"),
        ("company.get.v1", b"{", "json_invalid"),
        ("company.get.v1", b"\xff\xfe", "json_invalid"),
        ("company.get.v1", b"[]", "model_type"),
        ("company.get.v1", b"null", "model_type"),
        ("company.get.v1", json.dumps({"company_id": "x" * MAX_MESSAGE_BYTES}).encode(), "message_too_large"),
        ("company.get.v2", b"{}", "unknown_query"),
        ("batch.v1", b"{}", "unknown_query"),
    ],
)
async def test_a_message_that_is_no_query_is_answered_invalid(
    reader: Reader, name: str, body: bytes, kind: str
) -> None:
    reply = await reader.bus.send(name, body)

    assert (reply["status"], types(reply["errors"])) == ("invalid", {kind})


def unanswerable(reason: str) -> float:
    """How many queries could not be answered for this reason."""
    return REGISTRY.get_sample_value("registrar_read_unanswerable_queries_total", {"reason": reason}) or 0


@pytest.mark.parametrize(
    ("reply_to", "reason"),
    [
        (None, "no_reply_to"),
        ("write_service.commands", "forbidden_reply_to"),
        ("reply", "forbidden_reply_to"),
        ("amq.rabbitmq.reply-to.!!.!!", "forbidden_reply_to"),
    ],
)
async def test_a_query_without_a_place_for_its_reply_is_taken_and_counted(
    reader: Reader, reply_to: str | None, reason: str
) -> None:
    before = unanswerable(reason)

    await reader.bus.publish("statistics.get.v1", b"{}", reply_to=reply_to)

    await eventually(lambda: unanswerable(reason) == before + 1)
    waiting = await reader.bus.channel.declare_queue(READ_QUERIES.name, passive=True)
    assert waiting.declaration_result.message_count == 0


async def test_a_correlation_id_that_cannot_be_sent_back_is_counted(reader: Reader) -> None:
    before = unanswerable("not_sent")

    await reader.bus.publish("statistics.get.v1", b"{}", reply_to="amq.rabbitmq.reply-to", correlation_id=NotText("?"))

    await eventually(lambda: unanswerable("not_sent") == before + 1)
    assert (await reader.bus.ask("statistics.get.v1"))["status"] == "ok"


async def test_a_reply_may_go_to_a_queue_of_the_callers_own(reader: Reader) -> None:
    for name in ("", f"reply.{given.new_id()}"):
        own = await reader.bus.channel.declare_queue(name, exclusive=True)
        await reader.bus.publish("statistics.get.v1", b"{}", reply_to=own.name, correlation_id="7")
        reply = await eventually(lambda own=own: own.get(no_ack=True, fail=False))  # type: ignore[misc]
        assert (json.loads(reply.body)["status"], reply.correlation_id) == ("ok", "7")


async def test_a_caller_who_is_gone_disturbs_nobody(reader: Reader) -> None:
    await reader.bus.publish("statistics.get.v1", b"{}", reply_to=f"reply.{given.new_id()}")

    replies = await asyncio.gather(*(reader.bus.ask("statistics.get.v1") for _ in range(50)))

    assert {reply["status"] for reply in replies} == {"ok"}
