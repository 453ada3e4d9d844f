"""`registrar import`: a file of companies over the bus, and what became of every row."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import typer

from contracts.cli_options import AmqpUrl, Exit, Json, address, usage
from contracts.client import Client
from contracts.failures import ClientError
from contracts.import_columns import Wishes, columns_of
from contracts.import_files import CsvRows, JsonRows, Lines, NotImportable, Rows, kind_of
from contracts.import_items import items_of
from contracts.import_report import Report
from contracts.importing import Import, Item


def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True)],
    *,
    form: Annotated[
        Literal["csv", "jsonl"] | None, typer.Option("--format", help="Otherwise the file's name says it.")
    ] = None,
    name_column: Annotated[str | None, typer.Option(help="Default: name, company or security.")] = None,
    id_column: Annotated[
        str | None, typer.Option(help="Default: id, company_id or cik. What is no UUID gets one that follows from it.")
    ] = None,
    seat_limit_column: Annotated[str | None, typer.Option(help="Default: seat_limit or seats.")] = None,
    delimiter: Annotated[str, typer.Option(help="What separates the columns of a CSV file.")] = ",",
    failures: Annotated[
        Path | None,
        typer.Option(help="Write rows that were not accepted there, as JSON Lines.", dir_okay=False, writable=True),
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for one reply.", min=0.1)] = 60,
    as_json: Json = False,
    amqp_url: AmqpUrl = None,
) -> None:
    """Import companies from CSV or JSON Lines. Importing a file again changes nothing.

    Ends with 1 when rows failed for another reason than that an import before has decided about them.
    """
    if len(delimiter := delimiter.replace("\\t", "\t")) != 1:
        usage("--delimiter is one character, or \\t")
    wishes, url = Wishes(name_column, id_column, seat_limit_column), address(amqp_url)
    with file.open("rb") as opened:
        try:
            lines = Lines(opened)
            rows: Rows = CsvRows(lines, delimiter) if (form or kind_of(file)) == "csv" else JsonRows(lines)
            columns = None if rows.header is None else columns_of(rows.header, wishes)
        except NotImportable as problem:
            usage(str(problem))
        with Report(_count(file), as_json=as_json, failures=failures) as report:
            report.begin(columns)
            asyncio.run(_import(url, items_of(rows, columns, wishes), report, timeout))
    raise typer.Exit(Exit.REFUSED if report.summary.failed else Exit.FINE)


async def _import(url: str, items: Iterator[Item], report: Report, seconds: float) -> None:
    async with Client(url, name="registrar import") as client:
        report.started = time.monotonic()
        try:
            await Import(client, report.row, report.answered, seconds).run(items)
        except ClientError as failure:
            raise type(failure)(
                f"{failure}\nRows after line {report.last_line} were not sent. Import the file again to go on: "
                "what is done already is not done twice."
            ) from None


def _count(file: Path) -> int:
    with file.open("rb") as opened:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: opened.read(1 << 20), b""))
