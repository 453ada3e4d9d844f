"""Parked messages back onto the bus, or out of custody, one row at a time."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NamedTuple
from uuid import UUID

from contracts.publisher import ConfirmedPublisher, Returned, Unconfirmed
from contracts.topology import OPERATIONS
from write_service.adapters.parked_rows import Filter, ParkedRows, Row

MAX_HISTORY = 20
REOPEN_SECONDS = 0.5  # a broker that refuses a message may close the channel, which opens again by itself
MAX_UNCONFIRMED = 3  # one may be refused for itself; so many in a row mean that the broker is away


class Dealt(NamedTuple):
    """A row, and why it is left open with what a person can do; None where it is done with."""

    row_id: UUID
    left: str | None = None


async def resend(rows: ParkedRows, publisher: ConfirmedPublisher, wanted: Filter, limit: int) -> AsyncIterator[Dealt]:
    """Publish each of the messages again, with its history in the headers; one that fails for itself is left out.

    A row is marked as resent after the broker has confirmed, in the transaction that locks it: whatever fails before
    that leaves it open, so nothing is lost. A crash between the two sends the message twice at worst, which the id of
    the command makes harmless: the second gets the outcome of the first. When it fails again meanwhile, parking waits
    for this lock, and opens the same row with one try more. Raises Unconfirmed when the broker is away.
    """
    unconfirmed = 0
    for row in await rows.listed(wanted, limit):
        async with rows.taken(row["id"]) as taken:
            if taken is None:
                continue  # somebody else was faster
            try:
                left = await _send(publisher, taken.row)
                unconfirmed = 0
            except Unconfirmed as lost:
                unconfirmed += 1
                if unconfirmed == MAX_UNCONFIRMED:
                    raise
                await asyncio.sleep(REOPEN_SECONDS)
                left = f"{lost}: resend it again, or drop it where the broker refuses it for ever"
            if left is None:
                await taken.mark("resent_at")
        yield Dealt(row["id"], left)


async def drop(rows: ParkedRows, wanted: Filter, limit: int) -> AsyncIterator[Dealt]:
    """Close the messages' cases; the rows stay, out of sight, until they are purged with old rejections."""
    for row in await rows.listed(wanted, limit):
        async with rows.taken(row["id"]) as taken:
            if taken is None:
                continue
            await taken.mark("dropped_at")
        yield Dealt(row["id"])


async def _send(publisher: ConfirmedPublisher, row: Row) -> str | None:
    if row["exchange"] == OPERATIONS:  # where only the read service may write
        return "a request of the read service, which has asked again by itself: drop it"
    try:
        await publisher.publish(row["exchange"], row["routing_key"], row["body"], **_of(row))
    except Returned as returned:
        return f"{returned}: run write-service setup and resend it, or drop it"
    except Unconfirmed:
        raise
    except Exception as failure:  # noqa: BLE001 - whatever it was, it is this row's alone: the others are sent
        return f"it makes no message ({type(failure).__name__}: {failure}): show it, send it by hand, drop it"
    return None


def _of(row: Row) -> dict[str, Any]:
    properties = row["properties"]
    headers = {name: value for name, value in properties.get("headers", {}).items() if not name.startswith("x-")}
    headers["x-parked-id"] = str(row["id"])
    headers["x-parked-tries"] = row["tries"]
    headers["x-parked-history"] = [_line(entry) for entry in [*row["history"], row][-MAX_HISTORY:]]
    # Not reply_to, whose owner has long gone, nor user_id, which the broker refuses from anybody else.
    return {
        "content_type": row["content_type"],
        "message_id": row["message_id"],
        "type": properties.get("type"),
        "correlation_id": properties.get("correlation_id"),
        "headers": headers,
    }


def _line(entry: Row) -> str:
    return f"{entry['parked_at']} {entry['kind']}: {entry['reason'][:200]}"
