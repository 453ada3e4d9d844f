"""One hot company with three readers, against many companies with three readers."""

from functools import partial

from tests.benchmarks.bench import Bench, Row
from tests.benchmarks.racing import crossed, fill
from tests.benchmarks.results import Goal, Sample
from tests.benchmarks.rows.races import visible
from tests.benchmarks.subjects.system import System

READERS = 3
_MANY, _HOT = "many companies", "one hot company"


async def run(bench: Bench) -> list[Sample]:
    """Users are added and renamed, and companies renamed, with one writer and three readers: in two thousand companies
    that exist, and all of it in one."""
    system = await bench.registrar(read=READERS)
    seed, companies = bench.seed(), bench.plan.count(2000, 50)
    await registered(system, seed, companies)
    return await bench.alternate(
        {
            _MANY: partial(_changed, bench, system, seed, companies, _MANY),
            _HOT: partial(_changed, bench, system, seed, 1, _HOT),
        }
    )


async def registered(system: System, seed: int, companies: int, batch: int = 100) -> None:
    """Have companies with many seats, in all documents."""
    system.wake()
    await system.mark()
    job = {"kind": "registrations", "seed": seed, "companies": companies}
    await crossed(system.documents.visible, await fill(system.amqp, job, batch=batch))
    await system.check()  # a count may run ahead of the last commit, which must not stand still half done
    system.rest()


async def _changed(bench: Bench, system: System, seed: int, companies: int, name: str) -> list[Sample]:
    job = {
        "kind": "changes",
        "seed": bench.seed(),
        "companies": companies,
        "count": bench.plan.count(15_000, 200),
        "of": seed,
    }
    return await visible(bench, system, job, name=name)


ROW = Row(
    "hot",
    "one hot company, three readers",
    run,
    (Goal("commands/s", _MANY, least=0.8, of=_HOT),),
)
