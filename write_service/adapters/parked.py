"""The table `parked`: keeping, finding, resending and dropping what could not be processed."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from write_service import metrics
from write_service.logs import logger
from write_service.service_layer.parking import ToPark

log = logger(__name__)

# A row that is open stays as it is: the message came again because its acknowledgement was lost. One that was resent
# or dropped is open again: it failed once more.
_KEEP = text("""
    INSERT INTO parked AS held (digest, kind, reason, body, exchange, routing_key, content_type, message_id, properties,
                                command_id, command_type, company_id)
    VALUES (:digest, :kind, :reason, :body, :exchange, :routing_key, :content_type, :message_id,
            CAST(:properties AS jsonb), :command_id, :command_type, :company_id)
    ON CONFLICT (digest) DO UPDATE
    SET kind = excluded.kind, reason = excluded.reason, properties = excluded.properties, parked_at = now(),
        tries = held.tries + 1, resent_at = NULL, dropped_at = NULL,
        history = held.history || jsonb_build_array(jsonb_build_object(
            'kind', held.kind, 'reason', held.reason, 'parked_at', held.parked_at,
            'resent_at', held.resent_at, 'dropped_at', held.dropped_at))
    WHERE held.resent_at IS NOT NULL OR held.dropped_at IS NOT NULL
    RETURNING id""")

_OPEN_ROWS = text("SELECT count(*) FROM parked WHERE resent_at IS NULL AND dropped_at IS NULL")
_PURGE = text("""
    DELETE FROM parked WHERE id = ANY(ARRAY(
        SELECT id FROM parked WHERE coalesce(resent_at, dropped_at) < clock_timestamp() - make_interval(secs => :age)
        ORDER BY coalesce(resent_at, dropped_at) LIMIT :limit FOR UPDATE SKIP LOCKED))""")


class PostgresParking:
    """Keeps messages in the table `parked`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def park(self, messages: Sequence[ToPark]) -> None:
        """Keep these messages durably, in a transaction of their own."""
        async with self._engine.begin() as connection:
            # One by one in the order of their keys: two replicas that park the same messages must not deadlock.
            kept = [
                message
                for message in sorted(messages, key=ToPark.digest)
                if (await connection.execute(_KEEP, _row(message))).first() is not None
            ]
        for message in kept:
            metrics.PARKED.labels(message.kind).inc()
            log.warning(
                "parked",
                kind=message.kind,
                reason=message.reason[:500],
                command_id=message.command_id,
                command_type=message.command_type,
                company_id=message.company_id,
                correlation_id=message.properties.get("correlation_id"),
            )

    async def open_rows(self) -> int:
        """How many wait for a person."""
        async with self._engine.connect() as connection:
            return int((await connection.execute(_OPEN_ROWS)).scalar_one())

    async def purge(self, older_than: float, limit: int) -> int:
        """Forget at most so many messages that were resent or dropped that many seconds ago; how many there were."""
        async with self._engine.begin() as connection:
            return int((await connection.execute(_PURGE, {"age": float(older_than), "limit": limit})).rowcount)


def _row(message: ToPark) -> dict[str, Any]:
    columns = ("kind", "reason", "body", "exchange", "routing_key", "content_type", "message_id")
    names = ("command_id", "command_type", "company_id")
    return {
        **{name: getattr(message, name) for name in (*columns, *names)},
        "digest": message.digest(),
        "properties": json.dumps(message.properties),
    }
