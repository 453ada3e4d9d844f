"""Puts companies and events into Registrar's stores in bulk, past the services, as if they had been there for long."""

import copy
from typing import Any

import asyncpg
from pymongo import AsyncMongoClient

from tests.benchmarks.stores import Documents
from tests.benchmarks.workload import STORED, stored_id

_AT_ONCE = 10_000
_ID = f"('{STORED}' || lpad(i::text, 12, '0'))::uuid"
_LONG_AGO = "timestamptz '2025-01-01'"

_COMPANIES = f"""
    INSERT INTO companies (id, version, status, name, name_key, seat_limit, user_count, owner_count,
                           registered_at, updated_at)
    SELECT {_ID}, 1, 'registered', 'Stored ' || i, sha256(('stored ' || i)::bytea), 1000000, 0, 0,
           {_LONG_AGO}, {_LONG_AGO}
    FROM generate_series($1::bigint, $2::bigint - 1) AS i"""  # noqa: S608 - constants
_FIRST_EVENTS = f"""
    INSERT INTO events (event_id, company_id, version, type, data, command_id, digest, recorded_at)
    SELECT gen_random_uuid(), {_ID}, 1, 'company.registered.v1',
           jsonb_build_object('name', 'Stored ' || i, 'seat_limit', 1000000), gen_random_uuid(), ''::bytea, {_LONG_AGO}
    FROM generate_series($1::bigint, $2::bigint - 1) AS i"""  # noqa: S608 - constants
# Of companies that nothing else knows, so that nobody asks for them.
_OLD_EVENTS = f"""
    INSERT INTO events (event_id, company_id, version, type, data, command_id, digest, recorded_at)
    SELECT gen_random_uuid(), md5((i / 100)::text)::uuid, i % 100 + 1, 'user.renamed.v1',
           jsonb_build_object('user_id', gen_random_uuid(), 'full_name', 'Person ' || i), gen_random_uuid(),
           ''::bytea, {_LONG_AGO}
    FROM generate_series($1::bigint, $2::bigint - 1) AS i"""  # noqa: S608 - constants


async def companies(postgres: str, mongo: str, documents: Documents, template: str, wanted: int) -> None:
    """Raise the number of companies in bulk to so many. They look as the one with the id `template` does."""
    begin = documents.stocked
    connection = await asyncpg.connect(postgres)
    for statement in (_COMPANIES, _FIRST_EVENTS):
        await connection.execute(statement, begin, wanted)
    await _settle(connection, "companies, events")
    await connection.close()
    async with AsyncMongoClient[dict[str, Any]](mongo) as client:
        for name in ("companies", "positions"):
            collection = client.get_default_database()[documents.named(name)]
            model = await collection.find_one({"_id": template})
            assert model is not None, f"{name} does not hold {template}"
            for first in range(begin, wanted, _AT_ONCE):
                numbers = range(first, min(wanted, first + _AT_ONCE))
                await collection.insert_many([_like(model, number) for number in numbers], ordered=False)
    documents.stocked = wanted


async def events(postgres: str, wanted: int) -> None:
    """Put so many events into the log, of companies that are not there any more."""
    connection = await asyncpg.connect(postgres)
    for first in range(0, wanted, 1_000_000):
        await connection.execute(_OLD_EVENTS, first, min(wanted, first + 1_000_000), timeout=600)
    await _settle(connection, "events")
    await connection.close()


async def _settle(connection: Any, tables: str) -> None:
    # What has been there for long, autovacuum and checkpoints are done with: with them beside it, both sides were
    # measured a quarter slower, the read side too, which does not read the log.
    await connection.execute(f"VACUUM (FREEZE, ANALYZE) {tables}", timeout=600)
    await connection.execute("CHECKPOINT", timeout=600)


def _like(model: dict[str, Any], number: int) -> dict[str, Any]:
    made = copy.copy(model) | {"_id": stored_id(number)}
    if "name" in made:
        made |= {"name": f"Stored {number}", "name_key": f"stored {number}"}
    return made
