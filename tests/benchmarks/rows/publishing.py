"""The ceilings: publishing with confirms, and consuming, by each library, with nothing else to do."""

from functools import partial

import aio_pika

from tests.benchmarks.bench import Bench, Measure, Row
from tests.benchmarks.meter import metered
from tests.benchmarks.results import Sample
from tests.benchmarks.rows.races import emptied, lives
from tests.benchmarks.sending import started_with
from tests.benchmarks.stores import Wrong
from tests.benchmarks.subjects.noop import NoOp
from tests.benchmarks.subjects.starting import declare

_VHOST, _QUEUE = "test_5", "published"


async def run(bench: Bench) -> list[Sample]:
    """Commands published to a quorum queue, each confirmed, 100 under way at once; then commands that wait in a queue
    acknowledged one by one, or fifty at once."""
    amqp = bench.servers.amqp(_VHOST)
    await declare(amqp, {"commands": _QUEUE})
    measures: dict[str, Measure] = {way: partial(published, bench, amqp, way) for way in ("faststream", "raw")}
    for way in ("faststream", "raw", "raw_many"):
        ceiling = await bench.noop(way)
        measures[ceiling.name] = partial(_emptied, bench, ceiling)
    return await bench.alternate(measures)


async def published(bench: Bench, amqp: str, way: str) -> list[Sample]:
    """Messages published a second; all of them must be in the queue."""
    count = bench.plan.count(15_000)
    job, module = {"way": way, "count": count}, "tests.benchmarks.peers.publishing"
    async with (
        started_with(job, module, {"PEER_AMQP_URL": amqp}) as load,
        metered({f"publish-{way}": load.process.pid, **bench.servers.pids()}) as usage,
    ):
        began, confirmed = await load.send()
    if (held := await _emptied_queue(amqp)) != count:
        raise Wrong(f"{held} messages in the queue of {count} that were confirmed")
    seconds = confirmed - began
    return [Sample(f"publish-{way}", {"messages/s": count / seconds}, count, seconds, usage)]


async def _emptied_queue(amqp: str) -> int:
    async with await aio_pika.connect(amqp) as connection:
        queue = await (await connection.channel()).get_queue(_QUEUE)
        purged = await queue.purge()
        assert purged.message_count is not None
        return purged.message_count


async def _emptied(bench: Bench, ceiling: NoOp) -> list[Sample]:
    return await emptied(bench, ceiling, lives(bench, 2000))


ROW = Row("publishing", "publishing and acknowledging with nothing else to do", run)
