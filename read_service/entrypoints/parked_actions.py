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
from read_service.entrypoints.reprojecting import NotReprojected
from read_service.entrypoints.resending import Resending, drop
from read_service.projections.ports import Conflicted, RefusedData
from read_service.verification.refolding import BrokenLog

MAX_BODY_SHOWN = 4_000
EVERYTHING = Filter()
FAILURES = (Returned, Unconfirmed, NotAnswered, NotReprojected, BrokenLog, RefusedData, Conflicted)

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
    if order.dry_run or _is_too_much(order):
        return await _each(cases, order, "resent", _nothing())
    publisher = ConfirmedPublisher(order.amqp_url, name="read_service parked")
    try:
        async with event_log(order.amqp_url) as log:
            await publisher.connect()
            resending = Resending(cases, order.database, log, publisher)
            return await _each(cases, order, "resent", resending.resend(order.wanted, order.limit))
    except NotAnswered as failure:
        _tell(order, {"resent": 0, "ids": [], "failed": str(failure)})
        return 1
    finally:
        await publisher.close()


async def drop_them(cases: MongoParked, order: Order) -> int:
    """Give parked events and messages up; they stay readable with --state dropped for a while."""
    return await _each(cases, order, "dropped", drop(cases, order.wanted, order.limit))


async def _each(cases: MongoParked, order: Order, done: str, acting: AsyncIterator[str]) -> int:
    if _is_too_much(order):
        errors.print("name cases, give a filter, or say --all")
        return 2
    count = min(await cases.count(order.wanted), order.limit)
    if order.dry_run:
        _tell(order, {"would_be_" + done: count, done: 0})
        return 0
    ids: list[str] = []
    failure: str | None = None
    try:
        async for case_id in acting:
            ids.append(case_id)  # noqa: PERF401 - what was done before a failure counts
    except FAILURES as failed:
        failure = f"{type(failed).__name__}: {failed}"
    left = count - len(ids)
    said = {done: len(ids), "ids": ids, **({"left_open": left} if left else {})}
    _tell(order, said | ({"failed": failure} if failure else {}))
    return 1 if failure or left else 0


def _is_too_much(order: Order) -> bool:
    return order.wanted == EVERYTHING and not order.everything


async def _nothing() -> AsyncIterator[str]:
    for case_id in list[str]():
        yield case_id


def _tell(order: Order, said: dict[str, Any]) -> None:
    if order.as_json:
        _print_json(said)
    else:
        console.print(", ".join(f"{name}: {value}" for name, value in said.items() if name != "ids"))


def _print_json(value: Any) -> None:
    print(json.dumps(value, default=str))


def _shown(body: bytes, limit: int | None) -> str:
    return bytes(body).decode(errors="backslashreplace")[:limit]
