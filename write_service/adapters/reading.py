"""How a transaction begins, what it reads, and the domain's objects made of that: two round trips."""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from write_service.domain.company import Company
from write_service.domain.membership import Membership, User
from write_service.service_layer.records import Loaded, Outcome, Wanted

# Begin and locks travel as one message, which cannot have parameters, and is planned anew each time: 0.1 ms instead of
# two round trips more. The sort comes before the locks: two replicas that want the same companies wait for each other
# in one order.
_LOCK_NAMES = "SELECT pg_advisory_xact_lock(hash) FROM unnest({}::bigint[]) AS hash;"
_LOCK_COMPANIES = "SELECT FROM companies WHERE id = ANY({}::uuid[]) ORDER BY id FOR UPDATE;"

# All that is read, after the locks where there are any: a statement sees what was committed before it began. The events
# know what was accepted for ever, the log also what was not; a user may be found once by id and once by email. One row
# at least, for the time.
_FOUND = """
    SELECT clock_timestamp() AS now, found.*
    FROM (VALUES (1)) AS one LEFT JOIN (
        SELECT 'outcome' AS what, company_id, command_id AS id, digest AS key, version, 'accepted' AS word,
               NULL AS code, NULL AS text, NULL AS details, NULL::int AS seats, NULL::int AS users, NULL::int AS owners
        FROM events WHERE command_id = ANY($1::uuid[])
        UNION ALL
        SELECT 'outcome', company_id, id, digest, version, outcome, code, message, details::text, NULL, NULL, NULL
        FROM command_log WHERE id = ANY($1::uuid[])
        UNION ALL
        SELECT 'company', id, NULL, NULL, version, status, NULL, name, NULL, seat_limit, user_count, owner_count
        FROM companies WHERE id = ANY($2::uuid[])
        UNION ALL
        SELECT 'holder', id, NULL, name_key, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
        FROM companies WHERE name_key = ANY($3::bytea[]) AND status <> 'closed'
        UNION ALL
        SELECT 'user', company_id, user_id, NULL, NULL, role, email, full_name, NULL, NULL, NULL, NULL
        FROM unnest($4::uuid[], $5::uuid[]) AS wanted (company_id, user_id) JOIN users USING (company_id, user_id)
        UNION ALL
        SELECT 'user', company_id, user_id, NULL, NULL, role, email, full_name, NULL, NULL, NULL, NULL
        FROM unnest($6::uuid[], $7::text[]) AS wanted (company_id, email) JOIN users USING (company_id, email)
    ) AS found ON true"""

# So long after a look without a transaction around it its events may be written; whoever waited longer looks again.
GOOD_FOR = timedelta(seconds=1)

Row = Any


def stored_key(name_key: str) -> bytes:
    """The form in which a name key is stored and indexed: 32 bytes, however long it is."""
    return hashlib.sha256(name_key.encode()).digest()


def lock_of(stored: bytes) -> int:
    """The number that stands for a name, by its stored key, among advisory locks."""
    return int.from_bytes(stored[:8], signed=True)


async def begin(driver: Any, wanted: Wanted) -> None:
    """Begin a transaction that has the locks of all names wanted, then those of the companies that exist."""
    statements = ["BEGIN ISOLATION LEVEL READ COMMITTED;"]  # whatever the server's default is
    if wanted.name_keys:
        hashes = sorted(lock_of(stored_key(key)) for key in wanted.name_keys)
        statements.append(_LOCK_NAMES.format(_literal(map(str, hashes))))
    if wanted.company_ids:
        statements.append(_LOCK_COMPANIES.format(_literal(wanted.company_ids)))
    await driver.execute(" ".join(statements))


class Found(NamedTuple):
    """The database's time, and what it knows: rows of companies by id, outcomes by command, holders by name key, users
    by company."""

    now: datetime
    companies: dict[str, Row]
    outcomes: dict[str, Outcome]
    holders: dict[str, str]
    users: dict[str, list[User]]


async def find(driver: Any, wanted: Wanted) -> Found:
    """Everything wanted."""
    keys = {stored_key(key): key for key in wanted.name_keys}
    pairs = (*_columns(wanted.user_ids), *_columns(wanted.emails))
    rows = await driver.fetch(_FOUND, list(wanted.command_ids), list(wanted.company_ids), list(keys), *pairs)
    found = Found(rows[0]["now"], {}, {}, {}, {})
    for row in rows:
        match row["what"]:
            case "outcome":
                found.outcomes[str(row["id"])] = _outcome(row)
            case "company":
                found.companies[str(row["company_id"])] = row
            case "holder":
                found.holders[keys[row["key"]]] = str(row["company_id"])
            case "user":
                user = User(str(row["id"]), row["code"], row["text"], row["word"])
                found.users.setdefault(str(row["company_id"]), []).append(user)
    return found


def loaded(wanted: Wanted, found: Found) -> Loaded:
    """What was found, as the domain's objects."""
    return Loaded(found.now, _companies_of(wanted, found), found.holders, found.outcomes)


def _companies_of(wanted: Wanted, found: Found) -> dict[str, Company]:
    ids, emails = _by_company(wanted.user_ids), _by_company(wanted.emails)
    members = {
        company_id: Membership(found.users.get(company_id, ()), ids.get(company_id, ()), emails.get(company_id, ()))
        for company_id in wanted.company_ids
    }
    return {
        company_id: _company(company_id, found.companies.get(company_id), members[company_id]) for company_id in members
    }


def _company(company_id: str, row: Row | None, members: Membership) -> Company:
    if row is None:
        return Company(company_id, members=members)
    return Company(
        company_id,
        version=row["version"],
        status=row["word"],
        name=row["text"],
        seat_limit=row["seats"],
        user_count=row["users"],
        owner_count=row["owners"],
        members=members,
    )


def _outcome(row: Row) -> Outcome:
    details = None if row["details"] is None else json.loads(row["details"])
    ids = str(row["id"]), str(row["company_id"])
    return Outcome(*ids, row["key"], row["word"], row["version"], row["code"], row["text"], details)


def _literal(values: Iterable[str]) -> str:
    """An array as a constant of SQL."""
    array = ",".join(values).replace("'", "''")
    return f"'{{{array}}}'"


def _columns(pairs: Iterable[tuple[str, str]]) -> tuple[list[str], list[str]]:
    in_order = sorted(pairs)
    return [first for first, _ in in_order], [second for _, second in in_order]


def _by_company(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for company_id, value in pairs:
        found.setdefault(company_id, []).append(value)
    return found
