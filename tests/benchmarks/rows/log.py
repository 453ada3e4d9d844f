"""Ten million events in the log: whether commands, their events and the outbox get slower."""

import time
from functools import partial

from tests.benchmarks import stocking
from tests.benchmarks.bench import Bench, Row
from tests.benchmarks.results import Goal, Sample
from tests.benchmarks.rows.races import lives, sides
from tests.benchmarks.subjects.registrar import beside
from tests.benchmarks.subjects.system import System

EVENTS = 10_000_000
_DATABASE, _VHOST = "registrar_stocked", "test_7"
_NONE, _MANY = "empty log", f"{EVENTS:,} events"


async def run(bench: Bench) -> list[Sample]:
    """Each side alone, from a full queue of commands: with nothing in the log but what this row has made, and with ten
    million events of others. Two systems on the same servers, in alternation."""
    empty = await bench.registrar()
    async with beside(bench.servers, _DATABASE, _VHOST) as stocked:
        stocked.rest()
        began, events = time.monotonic(), bench.plan.stored(EVENTS)
        await stocking.events(bench.servers.postgres(_DATABASE), events)
        stocked.log.stocked = events
        bench.say(f"  {events:,} events are stored ({time.monotonic() - began:.0f} s)")
        return await bench.alternate(
            {_NONE: partial(_measured, bench, empty, _NONE), _MANY: partial(_measured, bench, stocked, _MANY)}
        )


async def _measured(bench: Bench, system: System, name: str) -> list[Sample]:
    return await sides(bench, system, lives(bench, 3000), (f"write side, {name}", f"read side, {name}"))


ROW = Row(
    "log",
    "10,000,000 events in the log, each side alone",
    run,
    (Goal("commands/s", f"write side, {_NONE}", least=0.9, of=f"write side, {_MANY}"),),
    by_default=False,
    alone=True,
)
