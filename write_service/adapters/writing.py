"""What a transaction writes: a constant number of statements, with their arguments as columns."""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic_core import to_json

from write_service.adapters.reading import stored_key
from write_service.domain.values import name_key
from write_service.service_layer.records import Changes

# One statement: every round trip is a part of the time that a lone command takes. The counts at the end have it run in
# this order. Outcomes are in the order of their ids: two replicas that write the same ones wait for each other in one
# order; events, in the order in which they happened, are those of companies that no other replica can hold by now.
_LOG = """
    WITH outcomes AS (
        INSERT INTO command_log (id, company_id, digest, outcome, version, code, message, details, recorded_at)
        SELECT id, company_id, digest, outcome, version, code, message, details::jsonb, $1
        FROM unnest($2::uuid[], $3::uuid[], $4::bytea[], $5::text[], $6::int[], $7::text[], $8::text[], $9::text[])
            AS new (id, company_id, digest, outcome, version, code, message, details)
        RETURNING 1
    ), happened AS (
        INSERT INTO events (event_id, company_id, version, type, data, command_id, digest, recorded_at, correlationid,
                            actor, traceparent, tracestate)
        SELECT event_id, company_id, version, type, data::jsonb, command_id, digest, recorded_at, correlationid, actor,
               traceparent, tracestate
        FROM unnest($10::uuid[], $11::uuid[], $12::int[], $13::text[], $14::text[], $15::uuid[], $16::bytea[],
                    $17::timestamptz[], $18::text[], $19::text[], $20::text[], $21::text[])
            AS new (event_id, company_id, version, type, data, command_id, digest, recorded_at, correlationid, actor,
                    traceparent, tracestate)
        RETURNING 1
    ), unpublished AS (
        INSERT INTO outbox (event_id, type, body, traceparent, recorded_at)
        SELECT event_id, type, body, traceparent, $1
        FROM unnest($22::uuid[], $23::text[], $24::bytea[], $25::text[]) AS new (event_id, type, body, traceparent)
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM outcomes), (SELECT count(*) FROM happened), (SELECT count(*) FROM unpublished)"""

# A company that is new must be new, and one that changed must be at the version that was read.
_COMPANIES = """
    MERGE INTO companies AS old
    USING (SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[], $4::text[], $5::text[], $6::bytea[], $7::int[],
                                $8::int[], $9::int[])
        AS given (id, previous, version, status, name, name_key, seat_limit, user_count, owner_count)) AS new
    ON old.id = new.id AND old.version = new.previous
    WHEN MATCHED THEN UPDATE SET version = new.version, status = new.status, name = new.name, name_key = new.name_key,
        seat_limit = new.seat_limit, user_count = new.user_count, owner_count = new.owner_count, updated_at = $10
    WHEN NOT MATCHED AND new.previous = 0 THEN INSERT (id, version, status, name, name_key, seat_limit, user_count,
        owner_count, registered_at, updated_at) VALUES (new.id, new.version, new.status, new.name, new.name_key,
        new.seat_limit, new.user_count, new.owner_count, $10, $10)"""

_USERS = """
    MERGE INTO users AS old
    USING (SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[])
        AS given (company_id, user_id, email, full_name, role)) AS new
    ON old.company_id = new.company_id AND old.user_id = new.user_id
    WHEN MATCHED AND new.role IS NULL THEN DELETE
    WHEN MATCHED THEN UPDATE SET email = new.email, full_name = new.full_name, role = new.role
    WHEN NOT MATCHED AND new.role IS NOT NULL THEN INSERT (company_id, user_id, email, full_name, role)
        VALUES (new.company_id, new.user_id, new.email, new.full_name, new.role)"""

Statement = tuple[str, int, list[Any]]


async def write_log(driver: Any, changes: Changes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """How many outcomes, events and outbox rows were written, and how many there are."""
    rows: tuple[Sequence[tuple[Any, ...]], ...] = (sorted(_outcomes(changes)), changes.events, changes.outbox)
    columns = [column for table, width in zip(rows, (8, 12, 4), strict=True) for column in _columns(table, width)]
    written = await driver.fetchrow(_LOG, changes.now, *columns)
    return tuple(written), tuple(map(len, rows))


def state(changes: Changes) -> Iterator[Statement]:
    """What to execute, how many rows it must write, and its arguments; nothing for tables that stay as they are."""
    if companies := sorted(_companies(changes)):
        yield _COMPANIES, len(companies), [*_columns(companies, 9), changes.now]
    if users := list(_users(changes)):
        yield _USERS, len(users), _columns(users, 5)


def _outcomes(changes: Changes) -> Iterator[tuple[Any, ...]]:
    for outcome in changes.outcomes:
        details = None if outcome.details is None else to_json(outcome.details).decode()
        yield (*outcome[:-1], details)


def _companies(changes: Changes) -> Iterator[tuple[Any, ...]]:
    for company, previous in changes.companies:
        facts = (company.status, company.name, stored_key(name_key(company.name)), company.seat_limit)
        yield (company.id, previous, company.version, *facts, company.user_count, company.owner_count)


def _users(changes: Changes) -> Iterator[tuple[Any, ...]]:
    for company_id, user_id, user in changes.users:
        yield (company_id, user_id, None, None, None) if user is None else (company_id, *user)


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
