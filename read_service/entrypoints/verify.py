"""`read-service verify`: whether the documents are what the log says; and `read-service gaps`: what is missing."""

import asyncio
import json
from collections.abc import Coroutine
from typing import Annotated, Any, NoReturn

import typer
from aio_pika.exceptions import AMQPError
from rich.console import Console

from read_service.adapters.checking import Checked
from read_service.adapters.claims import UNREPAIRABLE, MongoClaims
from read_service.adapters.gaps import MongoGaps
from read_service.adapters.mongo import Database, StoreAway
from read_service.entrypoints.asking import NotAnswered
from read_service.entrypoints.log import EventLog, event_log
from read_service.entrypoints.reaching import Unreachable
from read_service.entrypoints.reprojecting import NotReprojected, reproject
from read_service.entrypoints.tools import documents_of
from read_service.entrypoints.verifying import Report, Verifying
from read_service.projections.ports import Conflicted, RefusedData
from read_service.settings import SetupSettings, load
from read_service.verification.refolding import BrokenLog

DIFFERS, FAILED = 1, 3

console = Console(soft_wrap=True, highlight=False, markup=False)
errors = Console(stderr=True, markup=False)

Sample = Annotated[int | None, typer.Option(min=1, help="Only so many companies, chosen at random.")]
Companies = Annotated[list[str] | None, typer.Option("--company", help="Only this company; may be repeated.")]
Repair = Annotated[bool, typer.Option("--repair", help="Make what differs anew from the log, and compare again.")]
Generation = Annotated[int | None, typer.Option(min=1, help="Of documents; the active one unless named.")]
Json = Annotated[bool, typer.Option("--json", help="For machines: JSON on stdout.")]


def verify(
    *,
    sample: Sample = None,
    company: Companies = None,
    repair: Repair = False,
    generation: Generation = None,
    as_json: Json = False,
) -> None:
    """Compare the documents with the log. Exit code 0: they are the same; 1: they differ; 3: it could not be done."""

    async def run() -> int:
        settings = load(SetupSettings)
        async with documents_of(settings, generation) as (database, number), event_log(settings.amqp_url) as log:
            report = await _compared(log, Checked(database, number), sample, company)
            failed = await _repaired(log, database, number, report) if repair else {}
            left = await _again(log, Checked(database, number), report) if repair else report
            _tell(report, left if repair else None, failed, as_json=as_json)
            return 0 if left.is_clean else DIFFERS

    _end_with(run())


def gaps(*, generation: Generation = None, as_json: Json = False) -> None:
    """Show the companies of which events are missing. Exit code 1: some cannot be repaired; 3: it could not be done."""

    async def run() -> int:
        async with documents_of(load(SetupSettings), generation) as (database, number):
            looking = MongoGaps(database, number)
            early = await looking.early()
            known = {one.pop("_id"): one for one in await MongoClaims(database, number).known()}
            versions = await looking.versions({*early, *known})
        missing = [name for name in versions if name in early or versions[name] < known[name]["up_to"]]
        found = [{"company_id": name, "version": versions[name], **known.get(name, {})} for name in missing]
        if as_json:
            print(json.dumps(found, default=str))
        for one in [] if as_json else found:
            state, reason = one.get("state", "open"), one.get("reason", "")
            console.print(f"{one['company_id']}: after version {one['version']}, {state} {reason}")
        return DIFFERS if any(one.get("state") == UNREPAIRABLE for one in found) else 0

    _end_with(run())


def _end_with(work: Coroutine[Any, Any, int]) -> NoReturn:
    """End with this exit code; a server that is away must not look like a difference that was found."""
    try:
        raise typer.Exit(asyncio.run(work))
    except NotAnswered as failure:
        errors.print(f"read-service: the log cannot be read: {failure}")
    except (StoreAway, Unreachable, AMQPError, OSError) as failure:
        errors.print(f"read-service: {type(failure).__name__}: {failure}"[:300])
    raise typer.Exit(FAILED)


async def _compared(log: EventLog, checked: Checked, sample: int | None, companies: list[str] | None) -> Report:
    verifying = Verifying(log, checked)
    if companies:
        await verifying.some(companies)
    elif sample:
        await verifying.some(await verifying.sample(sample))
    else:
        await verifying.all()
    if not companies:
        await verifying.statistics()
    return verifying.report


async def _repaired(log: EventLog, database: Database, generation: int, report: Report) -> dict[str, str]:
    """Make anew what differs; what could not be, with the reason."""
    failed: dict[str, str] = {}
    for company_id in report.differences:
        try:
            await reproject(log, database, generation, company_id)
        except (NotReprojected, BrokenLog, RefusedData, Conflicted) as failure:
            failed[company_id] = f"{type(failure).__name__}: {failure}"
    counting = Verifying(log, Checked(database, generation))
    await counting.statistics()
    if counting.report.statistics:
        try:
            await Checked(database, generation).recount()
        except Conflicted as failure:
            failed["statistics"] = f"{type(failure).__name__}: {failure}"
    return failed


async def _again(log: EventLog, checked: Checked, report: Report) -> Report:
    verifying = Verifying(log, checked)
    if report.differences:
        await verifying.some(report.differences)
    await verifying.statistics()
    return verifying.report


def _tell(report: Report, left: Report | None, failed: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        said: dict[str, Any] = {"companies": report.companies, "events": report.events}
        said |= {"differences": report.differences, "statistics": report.statistics}
        if left is not None:
            said |= {"not_repaired": failed, "left": left.differences, "left_statistics": left.statistics}
        print(json.dumps(said, default=str))
        return
    for name, found in report.differences.items():
        console.print(name, *found, sep="\n  ")
    for one in report.statistics:
        console.print(f"statistics: {one}")
    for name, reason in failed.items():
        console.print(f"not repaired: {name}: {reason}")
    console.print(f"{report.companies} companies compared, {len(report.differences)} differ")
    if left is not None:
        console.print(f"after the repair {len(left.differences)} differ")
