"""`registrar ask`: one query, and what it answers."""

import asyncio
import json
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from contracts.cli_options import AmqpUrl, Exit, Json, address, console, usage
from contracts.client import Client
from contracts.errors import errors_of
from contracts.hearing import QueryAnswer
from contracts.making import UnknownName, full_name
from contracts.queries import QUERIES, Query
from contracts.results import Failed, InvalidQuery, Ok, Stale
from contracts.tables import fields_table, result_tables


def ask(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="As company.get or company.get.v1.")],
    *,
    company_id: Annotated[str | None, typer.Option()] = None,
    command_id: Annotated[str | None, typer.Option()] = None,
    email: Annotated[str | None, typer.Option()] = None,
    status: Annotated[str | None, typer.Option(help="registered, active, suspended or closed")] = None,
    role: Annotated[str | None, typer.Option(help="owner, admin or member")] = None,
    name_prefix: Annotated[str | None, typer.Option()] = None,
    sort: Annotated[str | None, typer.Option(help="name, registered_at or updated_at; backwards with a -")] = None,
    limit: Annotated[int | None, typer.Option(help="Items of a page, at most 200.")] = None,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    after: Annotated[list[str] | None, typer.Option(help="Tokens that the answer must include.")] = None,
    wait_ms: Annotated[int | None, typer.Option(help="How long it may wait for them.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait beyond that.", min=0.1)] = 15,
    as_json: Json = False,
    amqp_url: AmqpUrl = None,
) -> None:
    """Ask one query and show what it answers."""
    given = {
        "company_id": company_id, "command_id": command_id, "email": email, "status": status, "role": role,
        "name_prefix": name_prefix, "sort": sort, "limit": limit, "cursor": cursor, "after": after, "wait_ms": wait_ms,
    }  # fmt: skip
    try:
        made = _query(query, {name: value for name, value in given.items() if value is not None})
    except ValidationError as failure:
        _show(InvalidQuery(errors=errors_of(failure)), as_json=as_json)
        raise typer.Exit(Exit.REFUSED) from None
    answer = asyncio.run(_answer(address(amqp_url), made, timeout))
    _show(answer, as_json=as_json)
    raise typer.Exit(_exit_code(answer))


def _query(name: str, given: dict[str, Any]) -> Query:
    try:
        query = QUERIES[full_name(name, QUERIES)]
    except UnknownName as failure:
        usage(str(failure))
    alien = sorted(set(given) - set(query.model_fields))
    if alien:
        takes = ", ".join(_option(field) for field in query.model_fields)
        usage(f"{name} does not take {', '.join(map(_option, alien))}; it takes {takes}")
    missing = [field for field, info in query.model_fields.items() if info.is_required() and field not in given]
    if missing:
        usage(f"{name} needs {', '.join(map(_option, missing))}")
    return query(**given)


def _option(field: str) -> str:
    return f"--{field.replace('_', '-')}"


async def _answer(url: str, query: Query, seconds: float) -> QueryAnswer:
    async with Client(url, name="registrar ask") as client:
        return await client.ask(query, timeout=seconds)


def _show(answer: QueryAnswer, *, as_json: bool) -> None:
    wire = answer.model_dump(mode="json")
    if as_json:
        print(json.dumps(wire, ensure_ascii=False))
    elif isinstance(answer, Ok):
        console().print(*result_tables(wire["result"]), sep="\n")
    else:
        console().print(fields_table(wire))


def _exit_code(answer: QueryAnswer) -> Exit:
    if isinstance(answer, Ok):
        return Exit.FINE
    return Exit.UNREACHABLE if isinstance(answer, Stale | Failed) else Exit.REFUSED
