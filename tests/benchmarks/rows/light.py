"""Latency under light load: from a command to its reply, and to its documents; and what the parts take alone."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import aio_pika
import asyncpg
from pymongo import AsyncMongoClient

from tests.benchmarks import workload
from tests.benchmarks.asking import Bus, bus, percentiles
from tests.benchmarks.bench import Bench, Row
from tests.benchmarks.meter import collector_at_rest, metered
from tests.benchmarks.peers.floor import COLLECTIONS
from tests.benchmarks.results import Goal, Sample
from tests.benchmarks.sending import message_of
from tests.benchmarks.stores import Wrong
from tests.benchmarks.subjects.floor import Floor
from tests.benchmarks.subjects.noop import NoOp
from tests.benchmarks.subjects.system import System

_RATE = 40  # commands a second
_SHARES = (50, 99, 99.9)
_LOOK = 0.001  # seconds between two looks at a document
_LATE = 20.0
_TIMES = 3  # as many rounds as other rows
_UNCOUNTED = 80  # commands after a rest: heartbeats and timers of all that stood still fire at once


async def run(bench: Bench) -> list[Sample]:
    """Forty commands a second, each answered to the sender, who then looks every millisecond whether the company's
    document has the version of the reply; the first two seconds are not counted. The floor is the same way with drivers
    alone: a look, a row, the reply, an event, five documents, nothing decoded or decided. Beside that what the parts
    take alone at the same rate: the broker (a message into a quorum queue, its echo back), a Postgres commit of one
    row, a MongoDB transaction of one document."""
    ours, naive, echo = await bench.registrar(), await bench.naive(), await bench.noop("echo")
    least = await bench.floor()
    return await bench.alternate(
        {
            "registrar": partial(latencies, bench, ours),
            "naive": partial(latencies, bench, naive),
            "floor": partial(least_latencies, bench, least),
            "parts": partial(parts, bench, echo),
        },
        # A host that takes the cores away for seconds makes a tail of that round's: of nine rounds some are left alone.
        bench.plan.oftener(_TIMES),
    )


async def latencies(bench: Bench, system: System) -> list[Sample]:
    """How long replies and documents take."""
    commands = list(workload.lives(bench.seed(), bench.plan.count(60, 10)))
    uncounted = bench.plan.count(_UNCOUNTED)
    took: dict[int, tuple[float, float]] = {}
    system.wake()
    await system.mark()
    pids = {**system.processes, **bench.servers.pids()}
    turns = defaultdict[str, asyncio.Lock](asyncio.Lock)  # of a company, where a subject falls behind by seconds

    async def one(number: int) -> None:
        command = commands[number]
        async with turns[command["subject"]]:
            took[number] = await _sent(client, system, command)

    async with bus(system.amqp) as client, metered(pids, watched=False) as usage:
        seconds = await _at_rate(len(commands), one)
    await system.check()
    system.rest()
    return [Sample(system.name, _figures(took, uncounted), len(commands), seconds, usage)]


async def least_latencies(bench: Bench, floor: Floor) -> list[Sample]:
    """How long the floor's replies and documents take."""
    count, uncounted = bench.plan.count(360, 40), bench.plan.count(_UNCOUNTED)
    took: dict[int, tuple[float, float]] = {}
    floor.wake()
    pids = {**floor.processes, **bench.servers.pids()}
    async with (
        bus(floor.amqp) as client,
        AsyncMongoClient[dict[str, Any]](floor.mongo) as mongo,
        metered(pids, watched=False) as usage,
    ):
        documents, seed = mongo.get_default_database()[COLLECTIONS[-1]], bench.seed()

        async def one(number: int) -> None:
            began = time.monotonic()
            name = f"{seed}-{number}"
            body = aio_pika.Message(name.encode(), delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
            if await client.request("commands", body, "floor") != name.encode():
                raise Wrong(f"the floor's reply to {name}")
            answered = time.monotonic()
            while not await documents.find_one({"_id": name}):
                if time.monotonic() - began > _LATE:
                    raise Wrong(f"the floor's document {name} is not visible")
                await asyncio.sleep(_LOOK)
            took[number] = answered - began, time.monotonic() - began

        await asyncio.gather(one(count), one(count + 1))  # as when the machine pauses: both must be answered
        took.clear()
        seconds = await _at_rate(count, one)
    floor.rest()
    return [Sample(floor.name, _figures(took, uncounted), count, seconds, usage)]


async def _at_rate(count: int, one: Callable[[int], Awaitable[None]]) -> float:
    """So many calls, each begun at its time whatever the others do; the seconds until all have ended."""
    began = time.monotonic()

    async def at_its_time(number: int) -> None:
        await asyncio.sleep(began + number / _RATE - time.monotonic())
        await one(number)

    await asyncio.gather(*map(at_its_time, range(count)))
    return time.monotonic() - began


def _figures(took: Mapping[int, tuple[float, float]], uncounted: int) -> dict[str, float]:
    counted = [both for number, both in sorted(took.items()) if number >= uncounted]
    replied, seen = ([both[place] for both in counted] for place in (0, 1))
    return percentiles("reply", replied, _SHARES) | percentiles("visible", seen, _SHARES)


async def _sent(client: Bus, system: System, command: dict[str, Any]) -> tuple[float, float]:
    began = time.monotonic()
    reply = await client.request("commands", message_of(command), command["type"])
    answered = time.monotonic()
    version = workload.accepted(reply)
    while await system.documents.version(command["subject"]) < version:
        if time.monotonic() - began > _LATE:
            raise Wrong(f"{system.name}: {command['subject']} is not visible at version {version}")
        await asyncio.sleep(_LOOK)
    return answered - began, time.monotonic() - began


async def parts(bench: Bench, echo: NoOp) -> list[Sample]:
    """What each server takes alone for the least that a command asks of it."""
    echo.wake()
    count = bench.plan.count(60, 10)
    url = await bench.servers.new_database(f"parts_{bench.seed()}")
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE part (number integer)")
    async with bus(echo.amqp) as client, AsyncMongoClient[dict[str, Any]](bench.servers.mongo("parts")) as mongo:
        part = mongo.get_default_database().part
        await part.insert_one({})

        async def broker() -> None:
            body = aio_pika.Message(b"{}", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
            if await client.request("commands", body, "company.register.v1") != body.body:
                raise Wrong("the echo of another message")

        async def postgres() -> None:
            await connection.execute("INSERT INTO part VALUES (1)")

        async def transaction() -> None:
            async with mongo.start_session() as session, await session.start_transaction():
                await part.insert_one({}, session=session)

        figures: dict[str, float] = {}
        for name, one in {"broker": broker, "postgres": postgres, "mongo": transaction}.items():
            with collector_at_rest():
                figures |= percentiles(name, [await _paced(one) for _ in range(count)])
    await connection.close()
    echo.rest()
    return [Sample("parts alone", figures)]


async def _paced(one: Any) -> float:
    began = time.monotonic()
    await one()
    took = time.monotonic() - began
    await asyncio.sleep(max(0.0, 1 / _RATE - took))
    return took


ROW = Row(
    "light",
    f"light load ({_RATE} commands a second)",
    run,
    (
        Goal("reply p50 ms", "naive", most=0.7),
        Goal("reply p99 ms", "naive", most=0.7),
        Goal("visible p99 ms", "registrar", most=3, over_figure="reply p99 ms"),
        Goal("visible p99 ms", "naive", most=0.7),
    ),
    # After rows under load Registrar's stores hold many times what naive's hold, and vacuums and checkpoints are at it:
    # its Postgres took 1,444 us a command there and 1,111 on servers of its own, naive's 1,444 and 1,500.
    alone=True,
)
