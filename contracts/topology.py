"""The exchanges and queues of the bus, as data, and their declaration."""

from dataclasses import dataclass, field
from typing import Any

from aio_pika.abc import AbstractChannel

COMMANDS = "commands"
EVENTS = "events"
QUERIES = "queries"
OPERATIONS = "operations"
DEAD_LETTERS = "dead_letters"
EXCHANGES = (COMMANDS, EVENTS, QUERIES, OPERATIONS, DEAD_LETTERS)

# Every requeue counts against this limit on RabbitMQ 3.x, lost connections too: large, so that outages accuse nobody.
# Past it the broker parks the message with its owner; -1 would lose it at the first requeue on 3.10.
DELIVERY_LIMIT = 1_000

# A query is at most once: older than this its caller has given up (10 s is the longest wait that can be asked for).
QUERY_TTL_MS = 30_000

# The queues of an unfinished rebuild go away by themselves after a day without a consumer.
REPLAY_EXPIRES_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Queue:
    """A durable queue, its arguments, and the exchange it is bound to with `key` (none: the default one only)."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    exchange: str | None = None
    key: str = "#"


def _quorum(owner: str) -> dict[str, Any]:
    return {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": DEAD_LETTERS,
        "x-dead-letter-routing-key": owner,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


_PARKED = {"x-queue-type": "quorum", "x-delivery-limit": DELIVERY_LIMIT, "x-overflow": "reject-publish"}

WRITE_COMMANDS = Queue("write_service.commands", _quorum("write_service"), COMMANDS)
WRITE_OPERATIONS = Queue("write_service.operations", _quorum("write_service"), OPERATIONS)
WRITE_PARKED = Queue("write_service.parked", _PARKED, DEAD_LETTERS, "write_service")
READ_QUERIES = Queue("read_service.queries", {"x-message-ttl": QUERY_TTL_MS}, QUERIES)
READ_PARKED = Queue("read_service.parked", _PARKED, DEAD_LETTERS, "read_service")


def live_events(generation: int) -> Queue:
    """The queue that feeds a generation of documents with what happens now."""
    return Queue(f"read_service.events.g{generation}", _quorum("read_service"), EVENTS)


def repairs(generation: int) -> Queue:
    """The queue in which a generation receives the events that it asked for again."""
    return Queue(f"read_service.repairs.g{generation}", _quorum("read_service"))


def replays(generation: int) -> Queue:
    """The queue in which a generation in the making receives the log."""
    return Queue(f"read_service.replays.g{generation}", {**_quorum("read_service"), "x-expires": REPLAY_EXPIRES_MS})


WRITE_QUEUES = (WRITE_COMMANDS, WRITE_OPERATIONS, WRITE_PARKED)
READ_QUEUES = (READ_QUERIES, READ_PARKED)
FIRST_GENERATION = (live_events(1), repairs(1))
ALL_QUEUES = (*WRITE_QUEUES, *READ_QUEUES, *FIRST_GENERATION)


async def declare(channel: AbstractChannel, *queues: Queue) -> None:
    """Declare all exchanges, and these queues (all of them where none is named). Safe to repeat.

    Raises aio_pika.exceptions.ChannelPreconditionFailed where one exists with other arguments.
    """
    for exchange in EXCHANGES:
        await channel.declare_exchange(exchange, "topic", durable=True)
    for queue in queues or ALL_QUEUES:
        declared = await channel.declare_queue(queue.name, durable=True, arguments=dict(queue.arguments))
        if queue.exchange is not None:
            await declared.bind(queue.exchange, queue.key)
