"""Who may send and take what at the broker, by the definitions that compose loads."""

import re

import pytest

from contracts.commands import COMMANDS
from contracts.events import EVENTS
from contracts.operations import OPERATIONS
from contracts.queries import QUERIES
from contracts.reading import BATCH_KEY
from contracts.topology import ALL_QUEUES, DEAD_LETTERS, EXCHANGES, live_events, repairs, replays
from read_service.entrypoints import log
from tests.unit.deploy.files import definitions

QUEUES = [*(queue.name for queue in ALL_QUEUES), live_events(12).name, repairs(12).name, replays(12).name]


def allowed(user: str, right: str, resources: list[str]) -> list[str]:
    """Those of the resources on which the user has the right. The broker looks anywhere in the name, as re does."""
    (granted,) = [one for one in definitions()["permissions"] if one["user"] == user]
    return [name for name in resources if re.search(granted[right], name)]


@pytest.mark.parametrize(
    ("user", "may"),
    [
        ("write_service", ["commands", "events"]),
        ("read_service", ["operations"]),
        ("client", ["commands", "queries"]),
    ],
)
def test_each_user_writes_to_its_own_exchanges(user: str, may: list[str]) -> None:
    assert allowed(user, "write", list(EXCHANGES)) == may


def test_only_services_answer_through_the_default_exchange() -> None:
    may = [user for user in ("write_service", "read_service", "client") if allowed(user, "write", ["amq.default"])]

    assert may == ["write_service", "read_service"]


@pytest.mark.parametrize("user", ["write_service", "read_service"])
def test_a_service_takes_from_its_own_queues_and_from_all_of_them(user: str) -> None:
    assert allowed(user, "read", QUEUES) == [name for name in QUEUES if name.startswith(f"{user}.")]


@pytest.mark.parametrize("user", ["write_service", "read_service", "client"])
def test_only_setup_changes_the_topology(user: str) -> None:
    names = [*EXCHANGES, *QUEUES]

    assert allowed(user, "configure", names) == []
    assert allowed("setup", "configure", names) == names


def test_setup_may_bind_and_name_where_dead_letters_go_but_sends_neither_commands_nor_events() -> None:
    # To bind wants the right to read the exchange and to write the queue; to name a dead-letter exchange, to write it.
    assert allowed("setup", "read", [*EXCHANGES, *QUEUES]) == [*EXCHANGES, *QUEUES]
    assert allowed("setup", "write", QUEUES) == QUEUES
    assert allowed("setup", "write", [*EXCHANGES, "amq.default"]) == ["operations", DEAD_LETTERS]


def test_readers_make_queues_to_compare_with_the_log_in() -> None:
    own = f"{log.PREFIX}0192"

    assert allowed("read_service", "configure", [own]) == allowed("read_service", "read", [own]) == [own]


@pytest.mark.parametrize("queue", ["reply.console", "amq.gen-Xy"])
def test_only_clients_make_queues_for_replies(queue: str) -> None:
    users = ("setup", "write_service", "read_service", "client")

    assert [user for user in users if allowed(user, "configure", [queue])] == ["client"]
    assert [user for user in users if allowed(user, "read", [queue])] == ["client"]


def test_a_client_reads_none_of_the_services_queues() -> None:
    assert allowed("client", "read", [*EXCHANGES, *QUEUES]) == []


@pytest.mark.parametrize(
    ("user", "exchange", "keys"),
    [
        ("client", "commands", [*COMMANDS, BATCH_KEY]),
        ("client", "queries", list(QUERIES)),
        ("write_service", "events", list(EVENTS)),
        ("read_service", "operations", list(OPERATIONS)),
    ],
)
def test_topic_permissions_admit_every_routing_key_of_the_contract_and_no_other(
    user: str, exchange: str, keys: list[str]
) -> None:
    (granted,) = [
        one for one in definitions()["topic_permissions"] if (one["user"], one["exchange"]) == (user, exchange)
    ]

    assert [key for key in keys if not re.search(granted["write"], key)] == []
    assert [
        key for key in ("", "#", "operations", "wish.make.v1", f"{keys[0]}.more") if re.search(granted["write"], key)
    ] == []
