"""What a batch costs: a constant number of statements, and as many rows as it names, however large the tables are."""

import os
import re
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.commands import Command
from tests.integration.write_service.conftest import Owner
from tests.integration.write_service.pipelines import Pipeline, one_transaction, pipeline
from tests.unit.write_service.orders import add_user, an_id, change_email, close, order, register, remove_user, rename
from write_service.adapters.transaction import PostgresTransaction
from write_service.service_layer.batch import Batch
from write_service.service_layer.wanted import wanted_by

MANY_USERS = int(os.environ.get("REGISTRAR_TEST_MANY_USERS", "30000"))


def everything(number: int) -> list[Command]:
    """Commands of every kind, accepted, rejected and without effect, for one company."""
    company, anna, bert = an_id(), an_id(), an_id()
    return [
        register(company, f"Company {number} {company}"),
        rename(company, f"New {number} {company}"),
        add_user(company, anna, "anna@acme.example", "owner"),
        add_user(company, bert, "bert@acme.example"),
        order("company.activate", company),
        order("company.activate", company),
        change_email(company, anna, "a@acme.example"),
        order("user.rename", company, {"user_id": anna, "full_name": "Anna"}),
        order("company.change_seat_limit", company, {"seat_limit": 5}),
        remove_user(company, bert),
        order("company.suspend", company, {"reason": "unpaid"}),
        close(company) if number % 2 else rename(company, f"Newer {number} {company}"),
    ]


async def statements_of(engine: AsyncEngine, replica: Pipeline, companies: int) -> list[str]:
    said: list[str] = []

    def listen(adapted: Any, *_: object) -> None:
        adapted.driver_connection.add_query_logger(hear)

    def hear(record: Any) -> None:
        said.append(re.sub(r"'[^']*'", "?", " ".join(record.query.split()))[:200])

    await replica.transactions.aclose()
    await engine.dispose()  # so that the next connection is heard from its beginning
    event.listen(engine.sync_engine, "connect", listen)
    await replica.handle(register(an_id(), f"Warm {an_id()}"))
    said.clear()
    await replica.handle(*(command for number in range(companies) for command in everything(number)))
    event.remove(engine.sync_engine, "connect", listen)
    return said


async def test_the_number_of_statements_is_the_same_for_any_number_of_commands(engine: AsyncEngine) -> None:
    async with pipeline(engine) as replica:
        lone, *heard = [await statements_of(engine, replica, companies) for companies in (1, 2, 8, 40)]
    assert [word.partition(" ")[0] for word in lone] == ["SELECT", "WITH"]
    assert heard[0] == heard[1] == heard[2]
    assert [word.partition(" ")[0] for word in heard[0]] == ["BEGIN", "SELECT", "WITH", "COMMIT;"]
    assert heard[0][0] == (
        "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(hash) FROM unnest(?::bigint[]) AS hash; "
        "SELECT FROM companies WHERE id = ANY(?::uuid[]) ORDER BY id FOR UPDATE;"
    )


async def rows_touched(engine: AsyncEngine, commands: list[Command]) -> Counter[str]:
    """How many rows of each table a transaction with these commands looks at, by Postgres' own count."""
    async with one_transaction(engine) as transaction:
        before = await counted(transaction)
        batch = Batch(await transaction.load(wanted_by(commands)))
        replies = await batch.handle(commands)
        await transaction.write(batch.changes())
        assert [reply.status for reply in replies] == ["accepted"] * len(commands)
        after = await counted(transaction)
    return Counter({name: after[name] - before[name] for name in after})


async def counted(transaction: PostgresTransaction) -> dict[str, int]:
    found = await transaction._driver.fetch("""
        SELECT relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) AS read FROM pg_stat_xact_user_tables
        UNION ALL SELECT 'sequential scans', sum(seq_scan) FROM pg_stat_xact_user_tables""")
    return {row["relname"]: int(row["read"]) for row in found}


@pytest.mark.timeout(600)
async def test_adding_to_a_huge_company_reads_as_many_rows_as_adding_to_a_small_one(
    engine: AsyncEngine, owner: Owner
) -> None:
    small, huge = an_id(), an_id()
    async with pipeline(engine) as replica:
        await replica.handle(register(small, "Small", 1_000_000), register(huge, "Huge", 1_000_000))
    await owner.execute(
        """INSERT INTO users SELECT $1::uuid, gen_random_uuid(), n || '@huge.example', 'User ' || n, 'member'
           FROM generate_series(1, $2::int) AS n""",
        huge,
        MANY_USERS,
        timeout=300,
    )
    await owner.execute("UPDATE companies SET user_count = $2 WHERE id = $1", huge, MANY_USERS)
    of_small = await rows_touched(engine, [add_user(small, an_id(), "new@example.com")])
    of_huge = await rows_touched(engine, [add_user(huge, an_id(), "new@example.com")])
    assert of_small == of_huge
    assert of_huge["sequential scans"] == of_huge["users"] == 0
    assert of_huge["companies"] == 3  # locked, read, and written


async def test_statements_prepared_on_empty_tables_stay_quick_when_these_are_large(
    engine: AsyncEngine, owner: Owner
) -> None:
    async with pipeline(engine) as replica:
        for number in range(8):  # plans are kept after a few runs
            await replica.handle(*everything(number))
    await owner.execute("""
        INSERT INTO companies SELECT gen_random_uuid(), 1, 'registered', 'C' || n, sha256(n::text::bytea), 5, 0, 0,
            now(), now() FROM generate_series(1, 20000) AS n""")
    await owner.execute("""
        INSERT INTO users SELECT gen_random_uuid(), gen_random_uuid(), n || '@x.example', 'User', 'member'
        FROM generate_series(1, 20000) AS n""")
    company, user = an_id(), an_id()
    touched = await rows_touched(
        engine,
        [register(company, "Last"), add_user(company, user, "a@x.example"), change_email(company, user, "b@x.example")],
    )
    assert touched["sequential scans"] == 0
    assert sum(touched.values()) < 10
