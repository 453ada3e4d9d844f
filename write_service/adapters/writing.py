"""What a transaction writes: one statement, whatever it is, with its arguments as columns."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import asyncpg
from pydantic_core import to_json

from write_service.adapters.reading import GOOD_FOR, lock_of, stored_key
from write_service.domain.values import name_key
from write_service.service_layer.ports import Refused
from write_service.service_layer.records import Changes

# One statement: every round trip is a part of the time that a lone command takes. The counts at the end have it run in
# this order, and where one is not as expected, a division by zero ends the statement: without a transaction around it
# nothing could be taken back afterwards. Names come first, as in a transaction, then companies: replicas that make the
# same ones, in the order of their ids, wait for each other there. A company that is new must be new, and one that
# changed must be at the version that was read. Outcomes are in the order of their ids too; events, in the order in
# which they happened, are those of companies that no other replica can hold by now. (MERGE would say both halves of
# companies and of users at once; PostgreSQL 15 has none in WITH.)
_WRITE = """
    WITH locked AS MATERIALIZED (
        SELECT pg_advisory_xact_lock(hash) FROM unnest($40::bigint[]) AS hash
    ), opened AS (
        INSERT INTO companies (id, version, status, name, name_key, seat_limit, user_count, owner_count, registered_at,
                               updated_at)
        SELECT id, version, status, name, name_key, seat_limit, user_count, owner_count, $1, $1
        FROM unnest($2::uuid[], $3::int[], $4::int[], $5::text[], $6::text[], $7::bytea[], $8::int[], $9::int[],
                    $10::int[])
            AS new (id, previous, version, status, name, name_key, seat_limit, user_count, owner_count)
        WHERE previous = 0
        RETURNING 1
    ), moved AS (
        UPDATE companies AS old
        SET version = new.version, status = new.status, name = new.name, name_key = new.name_key,
            seat_limit = new.seat_limit, user_count = new.user_count, owner_count = new.owner_count, updated_at = $1
        FROM unnest($2::uuid[], $3::int[], $4::int[], $5::text[], $6::text[], $7::bytea[], $8::int[], $9::int[],
                    $10::int[])
            AS new (id, previous, version, status, name, name_key, seat_limit, user_count, owner_count)
        WHERE old.id = new.id AND old.version = new.previous
        RETURNING 1
    ), stored AS (
        INSERT INTO users (company_id, user_id, email, full_name, role)
        SELECT company_id, user_id, email, full_name, role
        FROM unnest($11::uuid[], $12::uuid[], $13::text[], $14::text[], $15::text[])
            AS new (company_id, user_id, email, full_name, role)
        WHERE role IS NOT NULL
        ON CONFLICT (company_id, user_id)
            DO UPDATE SET email = excluded.email, full_name = excluded.full_name, role = excluded.role
        RETURNING 1
    ), removed AS (
        DELETE FROM users AS old
        USING unnest($11::uuid[], $12::uuid[], $15::text[]) AS gone (company_id, user_id, role)
        WHERE gone.role IS NULL AND old.company_id = gone.company_id AND old.user_id = gone.user_id
        RETURNING 1
    ), outcomes AS (
        INSERT INTO command_log (id, company_id, digest, outcome, version, code, message, details, recorded_at)
        SELECT id, company_id, digest, outcome, version, code, message, details::jsonb, $1
        FROM unnest($16::uuid[], $17::uuid[], $18::bytea[], $19::text[], $20::int[], $21::text[], $22::text[],
                    $23::text[])
            AS new (id, company_id, digest, outcome, version, code, message, details)
        RETURNING 1
    ), happened AS (
        INSERT INTO events (event_id, company_id, version, type, data, command_id, digest, recorded_at, correlationid,
                            actor, traceparent, tracestate)
        SELECT event_id, company_id, version, type, data::jsonb, command_id, digest, recorded_at, correlationid, actor,
               traceparent, tracestate
        FROM unnest($24::uuid[], $25::uuid[], $26::int[], $27::text[], $28::text[], $29::uuid[], $30::bytea[],
                    $31::timestamptz[], $32::text[], $33::text[], $34::text[], $35::text[])
            AS new (event_id, company_id, version, type, data, command_id, digest, recorded_at, correlationid, actor,
                    traceparent, tracestate)
        RETURNING 1
    ), unpublished AS (
        INSERT INTO outbox (event_id, type, body, traceparent, recorded_at)
        SELECT event_id, type, body, traceparent, $1
        FROM unnest($36::uuid[], $37::text[], $38::bytea[], $39::text[]) AS new (event_id, type, body, traceparent)
        RETURNING 1
    )
    SELECT 1 / (ARRAY[(clock_timestamp() < $1 + $42::interval)::int,
                      (SELECT count(*) FROM locked),
                      (SELECT count(*) FROM opened) + (SELECT count(*) FROM moved),
                      (SELECT count(*) FROM stored) + (SELECT count(*) FROM removed),
                      (SELECT count(*) FROM outcomes), (SELECT count(*) FROM happened),
                      (SELECT count(*) FROM unpublished)] = $41)::int AS all_of_it"""

_ANY_TIME = timedelta(days=1)  # a transaction that was begun before the look is seen by who asks for changes
_WIDTHS = (9, 5, 8, 12, 4)  # columns of companies, users, outcomes, events and outbox


async def write(driver: Any, changes: Changes, *, alone: bool) -> None:
    """Write all of it, or nothing where it is not all. Raises Refused then, or what the driver raises.

    `alone`: no transaction is around it. So the names of companies are locked now: whoever has a name locked, and has
    read that it is free, is not to find it taken at the commit. And what was read must be young: changes are told as of
    a time before which none appears any more, and events carry the time of the look.
    """
    companies = sorted(_companies(changes))
    hashes = sorted(lock_of(company[5]) for company in companies) if alone else []
    rows: tuple[Sequence[tuple[Any, ...]], ...] = (
        companies,
        list(_users(changes)),
        sorted(_outcomes(changes)),
        changes.events,
        changes.outbox,
    )
    columns = [column for table, width in zip(rows, _WIDTHS, strict=True) for column in _columns(table, width)]
    expected = [1, len(hashes), *map(len, rows)]
    try:
        await driver.fetch(_WRITE, changes.now, *columns, hashes, expected, GOOD_FOR if alone else _ANY_TIME)
    except asyncpg.DivisionByZeroError:
        what = "in time, locks, companies, users, outcomes, events, outbox"
        raise Refused(f"there were not as many as {expected} to write: {what}") from None


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
