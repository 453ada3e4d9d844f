"""The four things that `write-service parked` does; each answers the exit code of the command."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from contracts.publisher import ConfirmedPublisher, Unconfirmed
from write_service.adapters.parked_rows import Filter, ParkedRows
from write_service.entrypoints.resending import Dealt, drop, resend
from write_service.settings import Settings, load

MAX_BODY_SHOWN = 4_000
EVERYTHING = Filter()

console = Console()
errors = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Order:
    """What the person asked for."""

    wanted: Filter
    limit: int
    dry_run: bool
    as_json: bool
    everything: bool


async def list_them(rows: ParkedRows, order: Order) -> int:
    """List parked messages, oldest first, and how many there are."""
    count = await rows.count(order.wanted)
    found = [] if order.dry_run else await rows.listed(order.wanted, order.limit)
    if order.as_json:
        _print_json({"count": count, "items": found})
        return 0
    table = Table("id", "parked at", "kind", "tries", "type", "company", "reason", title=f"{count} parked")
    for row in found:
        cells = (row["id"], f"{row['parked_at']:%Y-%m-%d %H:%M:%S}", row["kind"], row["tries"])
        texts = (row["command_type"] or row["routing_key"], row["company_id"] or "-", row["reason"][:120])
        table.add_row(*map(str, (*cells, *texts)))
    console.print(table)
    return 0


async def show_them(rows: ParkedRows, order: Order) -> int:
    """Show parked messages whole: body, properties, reason, history."""
    found = await rows.shown(order.wanted, order.limit)
    if order.as_json:
        _print_json([{**row, "digest": row["digest"].hex(), "body": _shown(row["body"], None)} for row in found])
        return 0 if found else 1
    for row in found:
        table = Table("", "", title=str(row["id"]), show_header=False)
        for name in (name for name in row if name not in ("id", "digest", "body")):
            table.add_row(name, str(row[name]))
        table.add_row("body", _shown(row["body"], MAX_BODY_SHOWN))
        console.print(table)
    if not found:
        errors.print("nothing found")
    return 0 if found else 1


async def resend_them(rows: ParkedRows, order: Order) -> int:
    """Publish parked messages again, confirmed, with their history in the headers."""
    if (code := await _without_acting(rows, order, "resent")) is not None:
        return code
    settings = load(Settings)
    publisher = ConfirmedPublisher(
        settings.amqp_url, name="write_service parked", confirm_timeout=settings.confirm_timeout
    )
    await publisher.connect()
    try:
        return await _each(order, "resent", resend(rows, publisher, order.wanted, order.limit))
    finally:
        await publisher.close()


async def drop_them(rows: ParkedRows, order: Order) -> int:
    """Give parked messages up; they stay readable with --state dropped until the purge."""
    if (code := await _without_acting(rows, order, "dropped")) is not None:
        return code
    return await _each(order, "dropped", drop(rows, order.wanted, order.limit))


async def _without_acting(rows: ParkedRows, order: Order, done: str) -> int | None:
    """The exit code where nothing is to be done: too much would be meant, or only how much it is was asked."""
    if order.wanted == EVERYTHING and not order.everything:
        errors.print("name rows, give a filter, or say --all")
        return 2
    if order.dry_run:
        count = min(await rows.count(order.wanted), order.limit)
        _tell(order, {"would_be_" + done: count, done: 0})
        return 0
    return None


async def _each(order: Order, done: str, acting: AsyncIterator[Dealt]) -> int:
    ids: list[str] = []
    left: list[dict[str, str]] = []
    failure: str | None = None
    try:
        async for row_id, why in acting:
            if why is None:
                ids.append(str(row_id))
            else:
                left.append({"id": str(row_id), "reason": why})
    except Unconfirmed as failed:
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
    return body.decode(errors="backslashreplace")[:limit]
