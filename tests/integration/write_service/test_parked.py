"""Messages in custody on a real Postgres: kept once, found, closed by one person at a time, opened again, forgotten."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.publisher import ConfirmedPublisher, Returned, Unconfirmed
from tests.integration.write_service.conftest import Owner
from tests.unit.write_service.orders import an_id
from write_service.adapters.parked import PostgresParking
from write_service.adapters.parked_rows import Filter, ParkedRows
from write_service.entrypoints import resending
from write_service.entrypoints.resending import Dealt, drop, resend
from write_service.metrics import REGISTRY
from write_service.service_layer.parking import CRASHED, UNREADABLE, ToPark


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No channel has to open again here."""
    monkeypatch.setattr(resending, "REOPEN_SECONDS", 0)


class Publisher:
    """Remembers what was published; fails when it is told to."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, dict[str, Any]]] = []
        self.failures: dict[bytes, Exception] = {}

    async def publish(self, exchange: str, routing_key: str, body: bytes, **properties: Any) -> None:
        assert (exchange, routing_key) == ("commands", "company.register.v1")
        if body in self.failures:
            raise self.failures[body]
        self.sent.append((body, properties))


def message(number: int, **changes: Any) -> ToPark:
    first = ToPark(
        UNREADABLE,
        "no JSON",
        b"body %d" % number,
        "commands",
        "company.register.v1",
        message_id=f"m{number}",
        properties={
            "correlation_id": "c1",
            "reply_to": "amq.gen-1",
            "headers": {"traceparent": "00-1", "x-death": [1]},
        },
        command_id=an_id(number),
        command_type="company.register.v1",
        company_id=an_id(1000 + number),
    )
    return replace(first, **changes)


def counted() -> float:
    """How many messages were parked, as /metrics says."""
    return REGISTRY.get_sample_value("registrar_write_parked_total", {"kind": UNREADABLE}) or 0


async def ids_of(rows: ParkedRows, wanted: Filter) -> list[str]:
    return [row["message_id"] for row in await rows.listed(wanted, 100)]


async def test_a_message_is_kept_once_until_it_was_dealt_with(engine: AsyncEngine) -> None:
    parking, rows, before = PostgresParking(engine), ParkedRows(engine), counted()
    await parking.park([message(1), message(2)])
    await asyncio.gather(*(parking.park([message(2), message(1)]) for _ in range(4)))
    assert await rows.count(Filter()) == 2
    shown = await rows.shown(Filter(), 10)
    seen = sorted((row["body"], row["tries"], row["history"]) for row in shown)  # they are equally old
    assert seen == [(b"body 1", 1, []), (b"body 2", 1, [])]
    assert await parking.open_rows() == 2
    assert counted() - before == 2


async def test_filters_find_what_they_name(engine: AsyncEngine) -> None:
    parking, rows = PostgresParking(engine), ParkedRows(engine)
    await parking.park([message(1), message(2, kind=CRASHED), message(3, command_type="user.add.v1")])
    (first, *_) = await rows.listed(Filter(), 1)
    hour = timedelta(hours=1)
    for wanted, found in [
        (Filter(), ["m1", "m2", "m3"]),
        (Filter(ids=[first["id"]]), [first["message_id"]]),
        (Filter(kind=CRASHED), ["m2"]),
        (Filter(type="user.add.v1"), ["m3"]),
        (Filter(company=an_id(1001)), ["m1"]),
        (Filter(command=an_id(2), kind=CRASHED), ["m2"]),
        (Filter(since=datetime.now(UTC) + hour), []),
        (Filter(until=datetime.now(UTC) + hour), ["m1", "m2", "m3"]),
        (Filter(state="dropped"), []),
    ]:
        assert sorted(await ids_of(rows, wanted)) == found


async def test_what_was_resent_carries_its_history_and_opens_again_when_it_fails(engine: AsyncEngine) -> None:
    parking, rows, publisher = PostgresParking(engine), ParkedRows(engine), Publisher()
    for tries in (1, 2, 3):
        await parking.park([message(1, reason=f"reason {tries}")])
        assert await resent(rows, publisher) == [None]
        body, properties = publisher.sent[-1]
        assert (body, properties["message_id"], properties["correlation_id"]) == (b"body 1", "m1", "c1")
        headers = properties["headers"]
        assert set(headers) == {"traceparent", "x-parked-id", "x-parked-tries", "x-parked-history"}
        assert headers["x-parked-tries"] == tries
        assert [line[-8:] for line in headers["x-parked-history"]] == [
            f"reason {number + 1}" for number in range(tries)
        ]
        assert "reply_to" not in properties
    assert (await rows.count(Filter()), await rows.count(Filter(state="resent"))) == (0, 1)


async def resent(rows: ParkedRows, publisher: Publisher, into: list[Dealt] | None = None) -> list[str | None]:
    """Why each of the messages that were looked at is left open; None for those that were sent."""
    dealt: list[Dealt] = [] if into is None else into
    async for one in resend(rows, publisher, Filter(), 100):  # type: ignore[arg-type]
        dealt.append(one)  # noqa: PERF401 - what was done before a failure counts
    return [one.left for one in dealt]


async def test_a_message_that_fails_for_itself_is_left_open_and_the_others_are_sent(engine: AsyncEngine) -> None:
    parking, rows, publisher = PostgresParking(engine), ParkedRows(engine), Publisher()
    for number in range(6):  # one after the other, so that they are as old as their number
        await parking.park([message(number, exchange="operations" if number == 4 else "commands")])
    publisher.failures = {
        b"body 0": TypeError("too long"),
        b"body 1": Returned("no queue takes it"),
        b"body 3": Unconfirmed("refused"),
    }
    first, second, third, fourth, fifth, sixth = await resent(rows, publisher)
    assert first == "it makes no message (TypeError: too long): show it, send it by hand, drop it"
    assert second == "no queue takes it: run write-service setup and resend it, or drop it"
    assert (third, sixth) == (None, None)
    assert fourth == "refused: resend it again, or drop it where the broker refuses it for ever"
    assert fifth == "a request of the read service, which has asked again by itself: drop it"
    assert [body for body, _ in publisher.sent] == [b"body 2", b"body 5"]
    assert (await rows.count(Filter()), await rows.count(Filter(state="resent"))) == (4, 2)


async def test_a_broker_that_is_away_leaves_the_rest_open_and_is_not_waited_for_again_and_again(
    engine: AsyncEngine,
) -> None:
    parking, rows, publisher = PostgresParking(engine), ParkedRows(engine), Publisher()
    for number in range(9):
        await parking.park([message(number)])
    publisher.failures = {b"body %d" % number: Unconfirmed("away") for number in (1, 3, 4, 6, 7, 8)}
    dealt: list[Dealt] = []
    with pytest.raises(Unconfirmed):
        await resent(rows, publisher, dealt)
    assert [body for body, _ in publisher.sent] == [b"body 0", b"body 2", b"body 5"]
    assert len(dealt) == 8
    assert (await rows.count(Filter()), await rows.count(Filter(state="resent"))) == (6, 3)


async def test_two_people_who_resend_at_once_send_each_message_once(engine: AsyncEngine) -> None:
    parking, rows, publisher = PostgresParking(engine), ParkedRows(engine), Publisher()
    await parking.park([message(number) for number in range(20)])

    async def all_of_them() -> None:
        async for _ in resend(rows, publisher, Filter(), 100):  # type: ignore[arg-type]
            await asyncio.sleep(0)

    await asyncio.gather(all_of_them(), all_of_them())
    assert sorted(body for body, _ in publisher.sent) == sorted(b"body %d" % number for number in range(20))


async def test_closed_cases_are_forgotten_in_steps_when_they_are_old(engine: AsyncEngine, owner: Owner) -> None:
    parking, rows, publisher = PostgresParking(engine), ParkedRows(engine), Publisher()
    await parking.park([message(number) for number in range(6)])
    listed = [row["id"] for row in await rows.listed(Filter(), 4)]
    [row_id async for row_id in drop(rows, Filter(ids=listed[:2]), 10)]
    [row_id async for row_id in resend(rows, publisher, Filter(ids=listed[2:]), 10)]  # type: ignore[arg-type]
    assert await parking.purge(3600, 100) == 0
    await owner.execute("UPDATE parked SET dropped_at = dropped_at - interval '2 hours'")
    await owner.execute("UPDATE parked SET resent_at = resent_at - interval '2 hours'")
    assert [await parking.purge(3600, 3), await parking.purge(3600, 3), await parking.purge(3600, 3)] == [3, 1, 0]
    assert await rows.count(Filter(state="all")) == 2


async def test_what_cannot_be_text_is_kept_as_bytes(engine: AsyncEngine) -> None:
    rows = ParkedRows(engine)
    await PostgresParking(engine).park([message(1, body=b"\x00\xff")])
    assert [row["body"] for row in await rows.shown(Filter(), 1)] == [b"\x00\xff"]


def test_the_publisher_of_these_tests_is_like_the_real_one() -> None:
    assert set(Publisher.publish.__annotations__) == set(ConfirmedPublisher.publish.__annotations__)
