"""Parked messages back onto the bus, or out of custody, one row at a time."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from contracts.publisher import ConfirmedPublisher
from write_service.adapters.parked_rows import Filter, ParkedRows, Row

MAX_HISTORY = 20


async def resend(rows: ParkedRows, publisher: ConfirmedPublisher, wanted: Filter, limit: int) -> AsyncIterator[UUID]:
    """Publish each of the messages again, with its history in the headers; yields the ids of those that are sent.

    A row is marked as resent after the broker has confirmed, in the transaction that locks it: whatever fails before
    that leaves it open, so nothing is lost. A crash between the two sends the message twice at worst, which the id of
    the command makes harmless: the second gets the outcome of the first. When it fails again meanwhile, parking waits
    for this lock, and opens the same row with one try more. Raises Returned or Unconfirmed.
    """
    for row in await rows.listed(wanted, limit):
        async with rows.taken(row["id"]) as taken:
            if taken is None:
                continue  # somebody else was faster
            await publisher.publish(
                taken.row["exchange"], taken.row["routing_key"], taken.row["body"], **_of(taken.row)
            )
            await taken.mark("resent_at")
        yield row["id"]


async def drop(rows: ParkedRows, wanted: Filter, limit: int) -> AsyncIterator[UUID]:
    """Close the messages' cases; the rows stay, out of sight, until they are purged with old rejections."""
    for row in await rows.listed(wanted, limit):
        async with rows.taken(row["id"]) as taken:
            if taken is None:
                continue
            await taken.mark("dropped_at")
        yield row["id"]


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
