"""Every question to the log is answered by an index, however large the tables are."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from sqlalchemy import TextClause
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.unit.write_service.orders import an_id
from write_service.adapters import event_log


async def fill(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Companies with three events each, one a second, the last of them now."""
    await owner.execute("""
        INSERT INTO events (event_id, company_id, version, type, data, command_id, digest, recorded_at)
        SELECT gen_random_uuid(), md5((n / 3)::text)::uuid, n % 3 + 1, 'company.activated.v1', '{}',
               gen_random_uuid(), '', now() - (60000 - n) * interval '1 second'
        FROM generate_series(0, 59999) AS n""")
    await owner.execute("""
        INSERT INTO companies SELECT company_id, 3, 'registered', company_id, sha256(company_id::text::bytea), 5, 0, 0,
               min(recorded_at), max(recorded_at) FROM events GROUP BY company_id""")
    await owner.execute("ANALYZE events; ANALYZE companies")


async def buffers(engine: AsyncEngine, statement: TextClause, values: dict[str, Any]) -> tuple[int, str]:
    """How many pages of the tables a statement looks at, by the plan that the service gets for it, and that plan."""
    compiled: Any = statement.bindparams(**values).compile(dialect=engine.dialect)
    given = ", ".join(f"'{values[name]}'" for name in compiled.positiontup)
    async with engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await driver.execute(f"PREPARE asked AS {compiled}")  # explained by itself it would be planned for its values
        rows = await driver.fetch(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) EXECUTE asked ({given})")
        await driver.execute("DEALLOCATE asked")
    plan = [str(row[0]) for row in rows]
    first = next(line for line in plan if "Buffers:" in line)
    read = sum(int(part.partition("=")[2]) for part in first.split() if part.startswith(("hit=", "read=")))
    return read, "\n".join(plan)


async def test_no_question_reads_more_than_it_answers(
    engine: AsyncEngine, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await fill(owner)
    company, recent = an_id(), datetime.now(UTC) - timedelta(seconds=100)
    middle = "80000000-0000-4000-8000-000000000000"
    asked: list[tuple[TextClause, dict[str, Any], int]] = [
        (event_log._HEAD, {"company_id": company}, 10),
        (event_log._OF_COMPANY, {"company_id": company, "after": 0, "up_to": 9, "limit": 300}, 10),
        (event_log._PAGE, {"company_id": middle, "version": 1, "limit": 300}, 400),
        (event_log._RECENT, {"since": recent, "limit": event_log.FEW}, 30),
        (event_log._CHANGED, {"since": recent, "after": company, "first": False, "limit": 1_000}, 300),
        (event_log._WALK, {"since": recent, "after": middle, "first": False, "limit": 300}, 400),
    ]
    for statement, values, allowed in asked:
        read, plan = await buffers(engine, statement, values)
        assert read <= allowed, plan
        assert "Seq Scan" not in plan, plan
