"""The four things that `read-service parked` does; each answers the exit code of the command."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from contracts.publisher import ConfirmedPublisher, Returned, Unconfirmed
from read_service.adapters.mongo import Database
from read_service.adapters.parked import Filter, MongoParked
from read_service.entrypoints.asking import NotAnswered
from read_service.entrypoints.log import event_log
from read_service.entrypoints.resending import Dealt, Resending, drop

MAX_BODY_SHOWN = 4_000
EVERYTHING = Filter()
FAILURES = (Returned, Unconfirmed, NotAnswered)

console = Console()
errors = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Order:
    """What the person asked for, and where it is done."""

    wanted: Filter
    limit: int
    dry_run: bool
    as_json: bool
    everything: bool
    amqp_url: str
    database: Database


async def list_them(cases: MongoParked, order: Order) -> int:
    """List parked events and messages, oldest first, and how many there are."""
    count = await cases.count(order.wanted)
    found = [] if order.dry_run else await cases.listed(order.wanted, order.limit)
    if order.as_json:
        _print_json({"count": count, "items": found})
        return 0
    table = Table("id", "parked at", "kind", "tries", "type", "company", "version", "reason", title=f"{count} parked")
    for case in found:
        cells = (case["_id"], f"{case['parked_at']:%Y-%m-%d %H:%M:%S}", case["kind"], case["tries"])
        texts = (case["type"] or "-", case["company_id"] or "-", case["version"] or "-", case["reason"][:120])
        table.add_row(*map(str, (*cells, *texts)))
    console.print(table)
    return 0


async def show_them(cases: MongoParked, order: Order) -> int:
    """Show parked events and messages whole: body, reason, tries."""
    found = await cases.listed(order.wanted, order.limit, whole=True)
    if order.as_json:
        _print_json([{**case, "body": _shown(case["body"], None)} for case in found])
        return 0 if found else 1
    for case in found:
        table = Table("", "", title=str(case["_id"]), show_header=False)
        for name in (name for name in case if name not in ("_id", "body")):
            table.add_row(name, str(case[name]))
        table.add_row("body", _shown(case["body"], MAX_BODY_SHOWN))
        console.print(table)
    if not found:
        errors.print("nothing found")
    return 0 if found else 1


async def resend_them(cases: MongoParked, order: Order) -> int:
    """Make companies anew from the log, so that events can be read that could not; send whole messages again."""
    if (code := await _without_acting(cases, order, "resent")) is not None:
        return code
    publisher = ConfirmedPublisher(order.amqp_url, name="read_service parked")
    try:
        async with event_log(order.amqp_url) as log:
            await publisher.connect()
            resending = Resending(cases, order.database, log, publisher)
            return await _each(order, "resent", resending.resend(order.wanted, order.limit))
    except NotAnswered as failure:
        _tell(order, {"resent": 0, "ids": [], "failed": str(failure)})
        return 1
    finally:
        await publisher.close()


async def drop_them(cases: MongoParked, order: Order) -> int:
    """Give parked events and messages up; they stay readable with --state dropped for a while."""
    if (code := await _without_acting(cases, order, "dropped")) is not None:
        return code
    return await _each(order, "dropped", drop(cases, order.wanted, order.limit))


async def _without_acting(cases: MongoParked, order: Order, done: str) -> int | None:
    """The exit code where nothing is to be done: too much would be meant, or only how much it is was asked."""
    if order.wanted == EVERYTHING and not order.everything:
        errors.print("name cases, give a filter, or say --all")
        return 2
    if order.dry_run:
        count = min(await cases.count(order.wanted), order.limit)
        _tell(order, {"would_be_" + done: count, done: 0})
        return 0
    return None


async def _each(order: Order, done: str, acting: AsyncIterator[Dealt]) -> int:
    ids: list[str] = []
    left: list[dict[str, str]] = []
    failure: str | None = None
    try:
        async for case_id, why in acting:
            if why is None:
                ids.append(case_id)
            else:
                left.append({"id": case_id, "reason": why})
    except FAILURES as failed:
        failure = f"{type(failed).__name__}: {failed}"
    said: dict[str, Any] = {done: len(ids), "ids": ids}
    _tell(order, said | ({"left_open": left} if left else {}) | ({"failed": failure} if failure else {}))
    return 1 if left or failure else 0


def _tell(order: Order, said: dict[str, Any]) -> None:
    if order.as_json:
        _print_json(said)
        return
    for one in said.get("left_open", ()):
        errors.print(f"{one['id']} is left open: {one['reason']}")
    shown = {name: len(value) if name == "left_open" else value for name, value in said.items() if name != "ids"}
    console.print(", ".join(f"{name}: {value}" for name, value in shown.items()))


def _print_json(value: Any) -> None:
    print(json.dumps(value, default=str))


def _shown(body: bytes, limit: int | None) -> str:
    return bytes(body).decode(errors="backslashreplace")[:limit]
