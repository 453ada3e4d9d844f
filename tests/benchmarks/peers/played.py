"""Registrar's work taken apart: its statements alone, and what its services do alone. A process for each side.

`statements`, made beforehand and played by bare drivers, are what is left if the services cost nothing. While the clock
runs nothing is taken from a queue, decoded, decided or encoded as a message; RabbitMQ rests. Connections are as the
services have them: 500 commands in a transaction, published rows forgotten beside the next one; 500 events in two
lanes.

`services` are what is left if servers and drivers cost nothing: messages are decoded and validated, commands decided,
events encoded, changes brought into columns; events decoded, validated, planned and brought into commands. Whoever is
done goes on with the same again, so that the other one has never a machine to itself.

One JSON line in: {"side", "part", "url", "seed", "companies", "batch"}; one line out when all is made; one line in to
begin; one line out with the moments (of the machine's monotonic clock) of the beginning and the end, and the seconds of
processor time between them. It stays until it is ended.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from pymongo import MongoClient
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from contracts.collector import spare_what_is_there
from contracts.commands import Command
from contracts.reading import read_command_message
from read_service.adapters import writing as documents
from read_service.adapters.collections import POSITIONS, name_of
from read_service.adapters.pipelining import run_pipelined
from read_service.projecting import LANES
from read_service.projections import activity
from read_service.projections.lanes import shares_of
from read_service.projections.planning import Position, plan
from read_service.projections.reading import read_event_message
from tests.benchmarks import workload
from tests.benchmarks.subjects.registrar import GENERATION
from tests.benchmarks.workload import Message
from write_service.adapters import reading, writing
from write_service.adapters.database import database
from write_service.adapters.outbox import FORGET
from write_service.domain.company import Company
from write_service.service_layer.batch import Batch
from write_service.service_layer.outbox import Unpublished
from write_service.service_layer.wanted import wanted_by

_COMMANDS = 500  # in a transaction: as many as the write service takes at most
_FORGET = FORGET.text.replace(":ids", "$1")
_TIMEOUT = 60.0  # seconds
_ACTIVITY = name_of(activity.NAME, GENERATION)

Said = tuple[str, str, tuple[Any, ...]]  # the driver's method, the statement and its arguments
Written = tuple[list[str], list[dict[str, Any]]]  # whose positions are read, and the commands that follow
Play = Callable[[], Awaitable[None]]
Bodies = dict[str, bytes]  # messages of a transaction's events, by their type


class _Recorder:
    """Takes down what is said to the driver, and answers as if nothing were there."""

    def __init__(self) -> None:
        self.said: list[Said] = []

    async def execute(self, statement: str, *arguments: Any) -> None:
        self.said.append(("execute", statement, arguments))

    async def fetch(self, statement: str, *arguments: Any) -> list[dict[str, Any]]:
        self.said.append(("fetch", statement, arguments))
        return [{"now": datetime.now(UTC), "what": None}]


def _transactions(job: dict[str, Any]) -> list[list[Message]]:
    """The messages whose commands share a transaction."""
    messages = list(workload.batches(workload.lives(job["seed"], job["companies"]), job["batch"]))
    together = max(1, _COMMANDS // job["batch"])
    return [messages[first : first + together] for first in range(0, len(messages), together)]


async def _written(transactions: Sequence[Sequence[Message]]) -> AsyncIterator[tuple[list[Said], list[Unpublished]]]:
    """What the write service says to Postgres in each transaction, and the events that come of it."""
    known: dict[str, dict[str, Any]] = {}
    for messages in transactions:
        read = [read_command_message(one.body, one.content_type, one.key) for one in messages]
        commands = [command for one in read for command in one.commands if isinstance(command, Command)]
        wanted, driver = wanted_by(commands), _Recorder()
        await reading.begin(driver, wanted)
        found = await reading.find(driver, wanted)
        found.companies.update({key: known[key] for key in wanted.company_ids if key in known})
        loaded = reading.loaded(wanted, found)
        batch = Batch(loaded)
        await batch.handle(commands)
        changes = batch.changes()
        await writing.write(driver, changes, alone=False)
        await driver.execute("COMMIT;")
        known.update({key: _row(company) for key, company in loaded.companies.items()})
        yield driver.said, changes.outbox


def _row(company: Company) -> dict[str, Any]:
    facts = {"version": company.version, "word": company.status, "text": company.name, "seats": company.seat_limit}
    return {**facts, "users": company.user_count, "owners": company.owner_count}


@asynccontextmanager
async def _writing(job: dict[str, Any]) -> AsyncIterator[Play]:
    made = [(said, [event.event_id for event in events]) async for said, events in _written(_transactions(job))]
    async with (
        database(job["url"], timeout=_TIMEOUT, connections=2) as engine,
        engine.connect() as first,
        engine.connect() as second,
    ):
        pipeline = (await first.get_raw_connection()).driver_connection
        outbox: Any = (await second.get_raw_connection()).driver_connection

        async def play() -> None:
            forgetting: asyncio.Future[Any] = asyncio.ensure_future(asyncio.sleep(0))
            for said, event_ids in made:
                for method, statement, arguments in said:
                    await getattr(pipeline, method)(statement, *arguments)
                await forgetting
                forgetting = asyncio.ensure_future(outbox.execute(_FORGET, event_ids))
            await forgetting

        yield play


async def _published(job: dict[str, Any]) -> AsyncIterator[Bodies]:
    async for _, events in _written(_transactions(job)):
        bodies: dict[str, list[bytes]] = {}
        for event in events:
            bodies.setdefault(event.type, []).append(event.body)
        yield {kind: b"[" + b",".join(of_type) + b"]" for kind, of_type in bodies.items()}


def _read(transactions: Sequence[Bodies]) -> Iterator[list[Written]]:
    """What the read service says to MongoDB for the events of each transaction, a transaction of its own a lane."""
    positions: dict[str, Position] = {}
    for bodies in transactions:
        written = list[Written]()
        work = [read_event_message(body, kind) for kind, body in bodies.items()]
        for lane, share in enumerate(shares_of(work, LANES)):
            made = plan(share, positions, {})
            named = list({change.subject for one in share for change in one.changes})
            written.append((named, list(documents.commands(made, GENERATION, lane))))
            positions.update(made.positions)
        yield written


@asynccontextmanager
async def _reading(job: dict[str, Any]) -> AsyncIterator[Play]:
    lanes: list[list[Written]] = [[] for _ in range(LANES)]
    for written in _read([bodies async for bodies in _published(job)]):
        for lane, one in enumerate(written):
            lanes[lane].append(one)
    with MongoClient[dict[str, Any]](job["url"]) as client:
        client.admin.command("ping")

        async def play() -> None:
            await asyncio.gather(*(asyncio.to_thread(_project, client, lane) for lane in lanes))

        yield play


def _project(client: MongoClient[dict[str, Any]], transactions: Sequence[Written]) -> None:
    database = client.get_default_database()
    positions = database[name_of(POSITIONS, GENERATION)]
    with client.start_session() as session:
        for named, commands in transactions:
            session.start_transaction(ReadConcern("snapshot"), WriteConcern("majority"))
            list(positions.find({"_id": {"$in": named}}, session=session, batch_size=10_000))
            run_pipelined(database, session, commands)
            session.commit_transaction()


@asynccontextmanager
async def _deciding(job: dict[str, Any]) -> AsyncIterator[Play]:
    transactions = _transactions(job)

    async def play() -> None:
        made = 0
        async for _, events in _written(transactions):
            made += len(events)
        _all_of_it(job, made)

    yield play


@asynccontextmanager
async def _planning(job: dict[str, Any]) -> AsyncIterator[Play]:
    transactions = [bodies async for bodies in _published(job)]

    async def play() -> None:
        made = 0
        for written in _read(transactions):
            made += sum(map(_events_in, written))
        _all_of_it(job, made)

    yield play


def _events_in(written: Written) -> int:
    """Of a transaction: each event adds one document to the activity."""
    return sum(len(command["documents"]) for command in written[1] if command.get("insert") == _ACTIVITY)


def _all_of_it(job: dict[str, Any], made: int) -> None:
    if made != _count(job):
        raise RuntimeError(f"{made} events were made of {_count(job)} commands")


def _count(job: dict[str, Any]) -> int:
    return 6 * int(job["companies"])


SIDES = ("write", "read")
STATEMENTS, SERVICES = "statements", "services"
_PARTS = {STATEMENTS: (_writing, _reading), SERVICES: (_deciding, _planning)}


async def main() -> None:
    """Do one job."""
    job = json.loads(sys.stdin.readline())
    async with dict(zip(SIDES, _PARTS[job["part"]], strict=True))[job["side"]](job) as play:
        spare_what_is_there()
        print(json.dumps({"commands": _count(job)}), flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        began, spent = time.monotonic(), time.process_time()
        await play()
        moments = {"began": began, "confirmed": time.monotonic(), "cpu": time.process_time() - spent}
        print(json.dumps(moments), flush=True)
        while job["part"] == SERVICES:
            await play()
        await asyncio.to_thread(sys.stdin.readline)


if __name__ == "__main__":
    asyncio.run(main())
