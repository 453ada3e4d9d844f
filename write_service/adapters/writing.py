"""What a transaction writes: one statement a table, with its arguments as columns."""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic_core import to_json

from write_service.adapters.reading import stored_key
from write_service.domain.values import name_key
from write_service.service_layer.records import Changes

# In the order of ids: two replicas that write the same command wait for each other in one order.
_OUTCOMES = """
    INSERT INTO command_log (id, company_id, digest, outcome, version, code, message, details, recorded_at)
    SELECT id, company_id, digest, outcome, version, code, message, details::jsonb, $9
    FROM unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::text[], $5::int[], $6::text[], $7::text[], $8::text[])
        AS new (id, company_id, digest, outcome, version, code, message, details)"""

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

_EVENTS = """
    INSERT INTO events (event_id, company_id, version, type, data, command_id, digest, recorded_at, correlationid,
                        actor, traceparent, tracestate)
    SELECT event_id, company_id, version, type, data::jsonb, command_id, digest, recorded_at, correlationid, actor,
           traceparent, tracestate
    FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::uuid[], $7::bytea[], $8::timestamptz[],
                $9::text[], $10::text[], $11::text[], $12::text[])
        AS new (event_id, company_id, version, type, data, command_id, digest, recorded_at, correlationid, actor,
                traceparent, tracestate)"""

_OUTBOX = """
    INSERT INTO outbox (event_id, type, body, traceparent, recorded_at)
    SELECT event_id, type, body, traceparent, $5
    FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::text[]) AS new (event_id, type, body, traceparent)"""

Statement = tuple[str, int, list[Any]]


def statements(changes: Changes) -> Iterator[Statement]:
    """What to execute, how many rows it must write, and its arguments; nothing for tables that stay as they are."""
    now = changes.now
    for statement, rows, rest in (
        (_OUTCOMES, sorted(_outcomes(changes)), [now]),
        (_COMPANIES, sorted(_companies(changes)), [now]),
        (_USERS, list(_users(changes)), []),
        (_EVENTS, changes.events, []),
        (_OUTBOX, changes.outbox, [now]),
    ):
        if rows:
            yield statement, len(rows), [*_columns(rows), *rest]


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


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
