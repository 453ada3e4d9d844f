"""`registrar send`: one command, and what became of it."""

import asyncio
import json
import sys
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from contracts.cli_options import AmqpUrl, Exit, Json, address, console, usage
from contracts.client import Client
from contracts.commands import COMMANDS, Command
from contracts.errors import errors_of
from contracts.failures import TimedOut
from contracts.making import UnknownName, command, full_name, new_id
from contracts.replies import Accepted, Invalid, Reply, to_wire
from contracts.tables import fields_table

SOURCE = "/clients/console"


def send(
    kind: Annotated[str, typer.Argument(metavar="TYPE", help="As company.register or company.register.v1.")],
    company_id: Annotated[str, typer.Argument(metavar="COMPANY_ID", help="A UUID, or 'new' for one of its own.")],
    values: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="As name=Acme.")] = None,
    *,
    data: Annotated[str | None, typer.Option(help="The data as a JSON object, instead of KEY=VALUE.")] = None,
    expected_version: Annotated[int | None, typer.Option(help="Reject it unless the company is there.")] = None,
    command_id: Annotated[str | None, typer.Option("--id", help="Its id: repeating one has no second effect.")] = None,
    actor: Annotated[str | None, typer.Option(help="On whose behalf.")] = None,
    correlation_id: Annotated[str | None, typer.Option(help="Copied to its events.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait for the outcome, or only for the broker.")] = True,
    timeout: Annotated[float, typer.Option(help="Seconds to wait.", min=0.1)] = 60,
    as_json: Json = False,
    amqp_url: AmqpUrl = None,
) -> None:
    """Send one command and show what became of it."""
    identity = command_id or new_id()
    try:
        made = command(
            kind,
            new_id() if company_id == "new" else company_id,
            id=identity,
            source=SOURCE,
            expected_version=expected_version,
            actor=actor,
            correlation_id=correlation_id,
            **_data(kind, values or [], data),
        )
    except ValidationError as failure:
        _show(Invalid(identity, errors_of(failure)), as_json=as_json)
        raise typer.Exit(Exit.REFUSED) from None
    reply = asyncio.run(_outcome(address(amqp_url), made, timeout, wait=wait))
    if reply is None:
        print(json.dumps({"status": "published", "command_id": made.id, "company_id": made.subject}))
        return
    _show(reply, as_json=as_json)
    raise typer.Exit(Exit.FINE if isinstance(reply, Accepted) else Exit.REFUSED)


async def _outcome(url: str, made: Command, seconds: float, *, wait: bool) -> Reply | None:
    async with Client(url, name="registrar send") as client:
        try:
            if wait:
                return await client.send(made, timeout=seconds)
            await client.publish(made, timeout=seconds)
        except TimedOut:
            print(f"To send it again, with the same effect: --id {made.id} and {made.subject}", file=sys.stderr)
            raise
    return None


def _data(kind: str, values: list[str], data: str | None) -> dict[str, Any]:
    """The data that was typed, in either way. KEY=VALUE becomes a number where the command wants one."""
    try:
        fields = COMMANDS[full_name(kind, COMMANDS)].model_fields["data"].annotation.model_fields  # type: ignore[union-attr]
    except UnknownName as failure:
        usage(str(failure))
    if data is not None:
        return _object(data, values)
    pairs = dict(_pair(value) for value in values)
    unknown = sorted(set(pairs) - set(fields))
    if unknown:
        usage(f"{kind} has no {', '.join(unknown)}; it takes {', '.join(fields) or 'no data'}")
    return {key: _number(value) if fields[key].annotation is int else value for key, value in pairs.items()}


def _object(data: str, values: list[str]) -> dict[str, Any]:
    if values:
        usage("Give the data either as --data or as KEY=VALUE")
    try:
        found = json.loads(data)
    except ValueError as failure:
        usage(f"--data is no JSON: {failure}")
    if not isinstance(found, dict):
        usage('--data is a JSON object, as \'{"name": "Acme"}\'')
    return found


def _pair(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign:
        usage(f"'{text}' is no KEY=VALUE")
    return key, value


def _number(text: str) -> int | str:
    return int(text) if text.lstrip("-").isdecimal() else text


def _show(reply: Reply, *, as_json: bool) -> None:
    wire = to_wire(reply)
    if as_json:
        print(json.dumps(wire, ensure_ascii=False))
    else:
        console().print(fields_table(wire))
