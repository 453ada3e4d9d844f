"""The table `events`, read: of one company, in pages over all, and which companies changed."""

from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json, to_json
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.events import EVENTS
from contracts.operations import Position
from write_service.adapters.reading import GOOD_FOR
from write_service.service_layer.operations import HeadsPage
from write_service.service_layer.records import EventRecord

# So many recent events are sorted by company for a page of heads; with more it is cheaper to walk the companies.
FEW = 20_000

_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
_NOBODY = "00000000-0000-0000-0000-000000000000"
_EVENT = """event_id, company_id, version, type, CAST(data AS text) AS data, command_id, recorded_at, correlationid,
    actor, traceparent, tracestate"""

_HEAD = text("""
    SELECT version FROM events WHERE company_id = CAST(:company_id AS uuid) ORDER BY version DESC LIMIT 1""")
_OF_COMPANY = text(f"""
    SELECT {_EVENT} FROM events
    WHERE company_id = CAST(:company_id AS uuid) AND version > :after AND version <= :up_to
    ORDER BY company_id, version LIMIT :limit""")  # noqa: S608 - our own list of columns
_PAGE = text(f"""
    SELECT {_EVENT} FROM events WHERE (company_id, version) > (CAST(:company_id AS uuid), :version)
    ORDER BY company_id, version LIMIT :limit""")  # noqa: S608 - our own list of columns

# Events carry the time at which their transaction had its locks, and appear when it commits, which may be long after.
# No stamp is older than the beginning of its transaction, or than a look is good for, which the statement that writes
# alone sees to; so what is still to appear is younger, by that, than the oldest transaction that is open now. The role
# sees its own transactions, and nobody else writes events.
_COMPLETE_UNTIL = text("""
    SELECT least(clock_timestamp(), (SELECT min(xact_start) FROM pg_stat_activity
                                     WHERE datname = current_database() AND pid <> pg_backend_pid()))
           - CAST(:good_for AS interval)""")
_RECENT = text("""
    SELECT count(*) FROM (SELECT FROM events WHERE recorded_at >= :since ORDER BY recorded_at LIMIT :limit) AS recent
    """)
# The first page begins with nobody's id, which a company may have; in this form an index finds where a page begins.
_BEHIND = "id >= CAST(:after AS uuid) AND (CAST(:first AS boolean) OR id > CAST(:after AS uuid))"
_CHANGED = text(f"""
    WITH recent AS MATERIALIZED (SELECT company_id AS id FROM events WHERE recorded_at >= :since),
    changed AS MATERIALIZED (SELECT DISTINCT id FROM recent WHERE {_BEHIND} ORDER BY id LIMIT :limit)
    SELECT id, version, true AS changed FROM changed JOIN companies USING (id) ORDER BY id""")  # noqa: S608
_WALK = text(f"""
    SELECT id, version, updated_at >= :since AS changed
    FROM companies WHERE {_BEHIND} ORDER BY id LIMIT :limit""")  # noqa: S608 - our own condition


class PostgresEventLog:
    """Reads the log. Each statement is a transaction of its own, on the server that takes the writes."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def head(self, company_id: str) -> int:
        """The company's version; 0 without an event of it."""
        rows = await self._rows(_HEAD, company_id=company_id)
        return rows[0]["version"] if rows else 0

    async def of_company(self, company_id: str, after: int, up_to: int, limit: int) -> list[EventRecord]:
        """Its events of the versions after < version <= up_to, at most so many, in their order."""
        wanted = {"company_id": company_id, "after": after, "up_to": up_to, "limit": limit}
        return [_record(row) for row in await self._rows(_OF_COMPANY, **wanted)]

    async def page(self, after: Position | None, limit: int) -> list[EventRecord]:
        """The events of all companies behind a position in the order (company_id, version), at most so many."""
        position = {"company_id": _NOBODY, "version": 0} if after is None else after.model_dump()
        return [_record(row) for row in await self._rows(_PAGE, **position, limit=limit)]

    async def complete_until(self) -> datetime:
        """A time before which no event can appear any more that calls made from now on do not see."""
        async with self._engine.connect() as connection:
            found: datetime = (await connection.execute(_COMPLETE_UNTIL, {"good_for": GOOD_FOR})).scalar_one()
            return found

    async def heads(self, since: datetime | None, after: str | None, limit: int) -> HeadsPage:
        """Companies behind `after` that changed at that time or later; looks at no more than it has to."""
        page = {"since": _utc(since), "after": after or _NOBODY, "first": after is None, "limit": limit}
        statement = _CHANGED if since is not None and await self._are_few(page["since"]) else _WALK
        rows = await self._rows(statement, **page)
        heads = [Position(company_id=str(row["id"]), version=row["version"]) for row in rows if row["changed"]]
        return HeadsPage(heads, str(rows[-1]["id"]) if len(rows) == limit else None)

    async def _are_few(self, since: Any) -> bool:
        async with self._engine.connect() as connection:
            found = await connection.execute(_RECENT, {"since": since, "limit": FEW + 1})
            return int(found.scalar_one()) <= FEW

    async def _rows(self, statement: Any, **values: Any) -> list[RowMapping]:
        async with self._engine.connect() as connection:
            return list((await connection.execute(statement, values)).mappings())


def _record(row: RowMapping) -> EventRecord:
    return EventRecord(
        event_id=str(row["event_id"]),
        company_id=str(row["company_id"]),
        version=row["version"],
        type=row["type"],
        data=_as_published(row["type"], row["data"]),
        command_id=str(row["command_id"]),
        digest=b"",  # of the command: not published
        recorded_at=row["recorded_at"],
        correlationid=row["correlationid"],
        actor=row["actor"],
        traceparent=row["traceparent"],
        tracestate=row["tracestate"],
    )


def _as_published(kind: str, data: str) -> str:
    """The event's data to the byte as it was published: jsonb keeps neither the order of keys nor spaces."""
    found: dict[str, Any] = from_json(data)
    known = EVENTS[kind].model_fields["data"].annotation.model_fields if kind in EVENTS else {}  # type: ignore[union-attr]
    in_order = {name: found.pop(name) for name in known if name in found}
    return to_json({**in_order, **found}).decode()


def _utc(since: datetime | None) -> datetime:
    try:
        return _LONG_AGO if since is None else since.astimezone(UTC)
    except OverflowError:  # within a day of the first or last year
        return since.replace(tzinfo=UTC) if since is not None else _LONG_AGO
