"""The topology to the letter: others depend on the names, and a changed argument is an error at a broker that runs."""

from contracts import topology
from contracts.topology import ALL_QUEUES, EXCHANGES, live_events, repairs, replays


def quorum(owner: str) -> dict[str, object]:
    return {
        "x-queue-type": "quorum",
        "x-delivery-limit": 1000,
        "x-dead-letter-exchange": "dead_letters",
        "x-dead-letter-routing-key": owner,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


PARKED = {"x-queue-type": "quorum", "x-delivery-limit": 1000, "x-overflow": "reject-publish"}


def test_the_exchanges() -> None:
    assert EXCHANGES == ("commands", "events", "queries", "operations", "dead_letters")


def test_the_queues_their_arguments_and_bindings() -> None:
    assert {queue.name: (queue.arguments, queue.exchange, queue.key) for queue in ALL_QUEUES} == {
        "write_service.commands": (quorum("write_service"), "commands", "#"),
        "write_service.operations": (quorum("write_service"), "operations", "#"),
        "write_service.parked": (PARKED, "dead_letters", "write_service"),
        "read_service.queries": ({"x-message-ttl": 30_000}, "queries", "#"),
        "read_service.parked": (PARKED, "dead_letters", "read_service"),
        "read_service.events.g1": (quorum("read_service"), "events", "#"),
        "read_service.repairs.g1": (quorum("read_service"), None, "#"),
    }


def test_each_generation_has_queues_of_its_own() -> None:
    assert live_events(7).name == "read_service.events.g7"
    assert (repairs(7).name, repairs(7).exchange) == ("read_service.repairs.g7", None)
    assert (replays(7).name, replays(7).exchange) == ("read_service.replays.g7", None)
    assert replays(7).arguments == {**quorum("read_service"), "x-expires": 86_400_000}


def test_no_delivery_limit_is_unlimited() -> None:
    # -1 loses a message at its first requeue on RabbitMQ 3.10; without any, 4.x drops it after 20.
    limits = {queue.name: queue.arguments.get("x-delivery-limit") for queue in ALL_QUEUES}
    assert {name for name, limit in limits.items() if limit != topology.DELIVERY_LIMIT} == {"read_service.queries"}
    assert topology.DELIVERY_LIMIT >= 1000
