"""The ceiling as a subject: a queue of commands and a process that only acknowledges."""

from dataclasses import dataclass, field

import aio_pika

from deploy.local.rabbitmq import BENCH_VHOSTS
from tests.benchmarks.peers.counter import Counter
from tests.benchmarks.peers.noop import QUEUE
from tests.benchmarks.servers import Servers
from tests.benchmarks.stores import Wrong
from tests.benchmarks.subjects.resting import Resting
from tests.benchmarks.subjects.starting import declare, started

VHOSTS = {
    "faststream": "test_1",
    "raw": "test_2",
    "raw_many": "test_3",
    "echo": "test_4",
    "echo_classic": BENCH_VHOSTS[0],
}


@dataclass
class NoOp:
    """A no-op consumer that runs."""

    name: str
    amqp: str
    pid: int
    counter: Counter
    before: int = 0
    resting: Resting = field(default_factory=Resting)

    def rest(self) -> None:
        """Stop the process where it stands."""
        self.resting.rest([self.pid])

    def wake(self) -> None:
        """Let the process go on."""
        self.resting.wake([self.pid])

    def mark(self) -> None:
        """Count from here."""
        self.before = self.counter.value

    async def taken(self, goal: int) -> int:
        """Messages taken since the mark."""
        _ = goal
        return self.counter.value - self.before

    async def check(self, count: int) -> None:
        """All of so many that were sent are taken, once each, and none waits for its delivery. Raises Wrong."""
        async with await aio_pika.connect(self.amqp) as connection:
            found = await (await connection.channel()).declare_queue(QUEUE, passive=True)
        taken, left = await self.taken(count), found.declaration_result.message_count
        if taken != count or left:
            raise Wrong(f"{self.name}: {taken} taken of {count}, {left} wait in the queue")


async def noop(servers: Servers, way: str) -> NoOp:
    """A no-op consumer by this library, on a queue of its own: a quorum queue unless it is `echo_classic`."""
    amqp, name = servers.amqp(VHOSTS[way]), f"noop-{way}"
    await declare(amqp, {"commands": QUEUE}, "classic" if way == "echo_classic" else "quorum")
    file = servers.stack.root / f"{name}.count"
    file.unlink(missing_ok=True)
    counter = Counter(file)
    variables = {"PEER_AMQP_URL": amqp, "PEER_COUNTER": str(file)}
    peer = "tests.benchmarks.peers.noop"
    pid = await started(servers.stack, name, peer, way, environment=variables, amqp=amqp, queue=QUEUE)
    return NoOp(name, amqp, pid, counter)
