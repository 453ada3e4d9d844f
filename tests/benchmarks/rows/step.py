"""The write step by libraries for it: a command becomes state and an event that is still to be published."""

import importlib.util
from dataclasses import dataclass
from functools import partial

import asyncpg

from deploy.local.stack import Trouble
from tests.benchmarks.bench import Bench, Measure, Row
from tests.benchmarks.meter import metered
from tests.benchmarks.results import Sample
from tests.benchmarks.rows.races import sides
from tests.benchmarks.sending import started_with
from tests.benchmarks.stores import Wrong
from tests.benchmarks.subjects.system import System


@dataclass(frozen=True)
class Library:
    """A library: the module that runs its step, the package that it needs, and what a company must have left.

    `at_once` companies are under way together: as many as it was fastest with in the row `tuning`.
    """

    name: str
    module: str
    package: str
    stored: str  # a query: so many companies
    at_once: int
    scheme: str = "postgresql"


LIBRARIES = (
    Library(
        "python-cqrs",
        "python_cqrs",
        "cqrs",
        "SELECT least((SELECT count(*) FROM companies), (SELECT count(*) FROM outbox WHERE event_status = 'NEW'))",
        8,
        "postgresql+asyncpg",
    ),
    # Two events a company: it is registered, and its name is claimed.
    Library("eventsourcing", "event_sourcing", "eventsourcing", "SELECT count(*) / 2.0 FROM registrar_events", 4),
)


async def run(bench: Bench) -> list[Sample]:
    """Companies are registered. The libraries are called in their own process, without a bus, and stop when the event
    is stored; Registrar and the naive peer take commands from a full queue, and stop when it is published too."""
    ours, naive = await bench.registrar(), await bench.naive()
    measures: dict[str, Measure] = {library.name: partial(stored, bench, library) for library in present(bench)}
    measures["registrar"] = partial(_write_side, bench, ours, 10_000)
    measures["naive"] = partial(_write_side, bench, naive, 800)
    return await bench.alternate(measures)


def present(bench: Bench) -> list[Library]:
    """The libraries that are installed. Raises Trouble where one is missing, but in the short form, which says so."""
    missing = [library for library in LIBRARIES if not importlib.util.find_spec(library.package)]
    for library in missing:
        said = f"{library.name} is not installed: deploy/local/install.sh bench installs it"
        if not bench.plan.short:
            raise Trouble(said)
        bench.say(f"  {said}")
    return [library for library in LIBRARIES if library not in missing]


async def stored(bench: Bench, library: Library, at_once: int = 0, name: str = "") -> list[Sample]:
    """Companies a second of a library, on a fresh database, with `at_once` under way or as many as it is best with."""
    job = {"seed": bench.seed(), "companies": bench.plan.count(2000)}
    database = f"step_{job['seed']}"
    url = await bench.servers.new_database(database)
    variables = {
        "PEER_POSTGRES_URL": url.replace("postgresql", library.scheme),
        "STEP_AT_ONCE": str(at_once or library.at_once),
    }
    module = f"tests.benchmarks.peers.step.{library.module}"
    async with (
        started_with(job, module, variables) as load,
        metered({library.name: load.process.pid, **bench.servers.pids()}) as usage,
    ):
        began, ended = await load.send()
    connection = await asyncpg.connect(url)
    found = await connection.fetchval(library.stored)
    await connection.close()
    if found != load.commands:
        raise Wrong(f"{library.name}: {found} companies are stored of {load.commands}")
    seconds = ended - began
    return [Sample(name or library.name, {"commands/s": load.commands / seconds}, load.commands, seconds, usage)]


async def _write_side(bench: Bench, system: System, companies: int) -> list[Sample]:
    job = {"kind": "registrations", "seed": bench.seed(), "companies": bench.plan.count(companies, 16)}
    samples = await sides(bench, system, job, (system.name, "readers, not part of this"))
    return samples[:1]


ROW = Row("step", "the write step: registrations, stored with their event", run)
