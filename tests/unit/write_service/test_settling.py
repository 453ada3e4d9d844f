"""What becomes of a batch when the database, or a handler, fails."""

from collections.abc import Callable
from typing import Any

import pytest

from contracts.commands import Command
from contracts.replies import Accepted, Rejected
from tests.support.eventually import eventually
from tests.unit.write_service.fakes import FakeDatabase, FakeTransaction, nothing
from tests.unit.write_service.orders import add_user, an_id, close, order, register, rename
from write_service.service_layer import settling
from write_service.service_layer.handlers import HANDLERS
from write_service.service_layer.optimism import Optimism
from write_service.service_layer.outbox import Unpublished
from write_service.service_layer.outcomes import HandlerFailed, RefusedByDatabase
from write_service.service_layer.ports import Companies, Conflicted, Refused
from write_service.service_layer.records import Changes
from write_service.service_layer.settling import NAMES, OK, Settling


class Given:
    """A pipeline on a database in memory, and what it published."""

    def __init__(self, handlers: dict[str, Any] | None = None) -> None:
        self.database = FakeDatabase()
        self.published: list[Unpublished] = []
        self.settling = Settling(
            self.database, self.published.extend, {**HANDLERS, **(handlers or {})}, shortest_pause=0.0001
        )


def refusing(*ids: str, constraint: str | None = None) -> Callable[[Changes], None]:
    def refuse(changes: Changes) -> None:
        if any(outcome.command_id in ids for outcome in changes.outcomes if outcome.kind == "accepted"):
            raise Refused("23514 says the trigger", constraint)

    return refuse


def failing(times: int, failure: Exception) -> Callable[[Changes], None]:
    left = iter([failure] * times)

    def fail(_: Changes) -> None:
        for error in left:
            raise error

    return fail


async def half_way(command: Command, companies: Companies) -> None:
    company = await companies.get(command.company_id)
    company.change_seat_limit(99)
    company.rename("Half", name_taken=False)
    await companies.save(company)
    raise ZeroDivisionError("half-way")


async def test_a_handler_that_fails_half_way_leaves_no_trace_and_the_others_commit() -> None:
    given, company = Given({"company.close.v1": half_way}), an_id()

    orders = [register(company, "Acme"), close(company), rename(company, "Umbrella"), register(an_id(), "Half")]
    replies = await given.settling.settle(orders)
    assert replies[1] == HandlerFailed(orders[1].id, "ZeroDivisionError: half-way")
    assert [reply.status for reply in replies] == ["accepted", "parked", "accepted", "accepted"]
    stored = given.database.companies[company]
    assert (stored.name, stored.seat_limit, stored.version) == ("Umbrella", 5, 2)
    assert orders[1].id not in given.database.outcomes
    assert [event.command_id for event in given.database.events] == [orders[0].id, orders[2].id, orders[3].id]
    assert len(given.published) == 3


async def test_a_change_that_was_not_saved_is_dropped() -> None:
    async def forgets(command: Command, companies: Companies) -> None:
        (await companies.get(command.company_id)).change_seat_limit(99)

    given, company = Given({"company.change_seat_limit.v1": forgets}), an_id()

    replies = await given.settling.settle(
        [register(company, "Acme"), order("company.change_seat_limit", company, {"seat_limit": 99})]
    )
    assert isinstance(replies[1], Accepted)
    assert (replies[1].version, given.database.companies[company].seat_limit) == (1, 5)


async def test_a_batch_is_halved_until_the_culprit_stands_alone() -> None:
    given = Given()
    orders = [register(an_id(), f"Company {number}") for number in range(50)]
    given.database.on_write = refusing(orders[17].id)
    replies = await given.settling.settle(orders)
    assert replies[17] == RefusedByDatabase(orders[17].id, "23514 says the trigger")
    assert [reply.status for reply in replies].count("accepted") == 49
    assert len(given.database.events) == len(given.published) == 49
    handled = [name for batch in given.database.batches for name in batch]
    assert handled == [order.id for order in orders if order is not orders[17]]  # in their order


async def test_the_commands_of_a_company_see_each_other_when_the_batch_is_halved() -> None:
    given, company = Given(), an_id()
    user = an_id()
    orders = [
        register(company, "Acme"),
        add_user(company, user, "a@acme.example"),
        register(an_id(), "Guilty"),
        rename(company, "Umbrella"),
        add_user(company, user, "b@acme.example"),
    ]
    given.database.on_commit = refusing(orders[2].id)
    replies = await given.settling.settle(orders)
    assert [getattr(reply, "code", reply.status) for reply in replies] == [
        "accepted",
        "accepted",
        "parked",
        "accepted",
        "user_already_exists",
    ]
    assert given.database.companies[company].version == 3


async def test_a_lone_command_is_not_accused_while_the_database_refuses_everything() -> None:
    given, lone = Given(), register(an_id(), "Acme")
    given.database.on_write = failing(30, Refused("23514 the schema is broken"))
    replies = await given.settling.settle([lone])
    assert isinstance(replies[0], Accepted)
    assert not replies[0].repeated


async def test_a_lone_command_is_accused_when_the_database_takes_others() -> None:
    given, lone = Given(), register(an_id(), "Acme")
    given.database.on_write = refusing(lone.id)
    assert await given.settling.settle([lone]) == [RefusedByDatabase(lone.id, "23514 says the trigger")]
    assert given.database.companies == {}  # the probe left nothing


async def test_a_database_that_takes_others_again_is_well_though_it_refuses_the_last_command() -> None:
    given, lone = Given(), register(an_id(), "Acme")
    refuse, broken = refusing(lone.id), iter([Refused("42501 everything is refused")] * 4)

    def fail(changes: Changes) -> None:
        for error in broken:
            raise error
        refuse(changes)

    given.database.on_write = fail
    (reply,) = await given.settling.settle([lone])
    assert isinstance(reply, RefusedByDatabase)
    assert given.settling.condition == OK


async def test_a_name_that_only_the_database_knows_to_be_taken_is_a_rejection() -> None:
    given, orders = Given(), [register(an_id(), "Acme"), register(an_id(), "Umbrella")]
    given.database.on_commit = refusing(orders[1].id, constraint=NAMES)
    replies = await given.settling.settle(orders)
    assert [getattr(reply, "code", reply.status) for reply in replies] == ["accepted", "name_taken"]
    assert given.database.outcomes[orders[1].id].code == "name_taken"
    assert {row.type for row in given.published} == {"company.registered.v1", "command.rejected.v1"}


@pytest.mark.parametrize("failure", [OSError("away"), TimeoutError(), Conflicted("40P01"), RuntimeError("anything")])
async def test_whatever_else_fails_accuses_nobody(failure: Exception) -> None:
    given = Given()
    orders = [register(an_id(), f"Company {number}") for number in range(10)]
    given.database.on_write = failing(5, failure)
    replies = await given.settling.settle(orders)
    assert [reply.status for reply in replies] == ["accepted"] * 10
    assert given.database.attempts == 6
    assert given.settling.condition == OK


async def test_it_says_what_keeps_it_while_the_database_is_away() -> None:
    given, said = Given(), []

    def away(_: Changes) -> None:
        said.append(given.settling.condition)
        if len(said) < 3:
            raise OSError("connection refused")

    given.database.on_write = away
    await given.settling.settle([register(an_id(), "Acme")])
    assert said == [OK, "OSError: connection refused", "OSError: connection refused"]
    assert given.settling.condition == OK


async def test_a_commit_that_was_not_heard_of_is_run_again_and_is_no_repeat_to_its_sender() -> None:
    given, company = Given(), an_id()
    first = register(company, "Acme")
    orders = [first, first, rename(company, "Umbrella"), register(company, "Acme")]
    given.database.after_commit = failing(1, OSError("cut in the middle of the commit"))
    replies = await given.settling.settle(orders)
    assert [getattr(reply, "repeated", None) for reply in replies] == [False, True, False, False]
    assert isinstance(replies[3], Rejected)
    assert len(given.database.events) == 2


async def test_the_commands_of_a_lone_company_race_and_those_of_several_take_locks() -> None:
    given, company = Given(), an_id()
    replies = await given.settling.settle([register(company, "Acme"), rename(company, "Umbrella")])
    assert ([reply.status for reply in replies], given.database.races) == (["accepted"] * 2, 1)
    await given.settling.settle([rename(company, "Acme"), register(an_id(), "Other")])
    assert (given.database.races, given.database.attempts) == (1, 2)


@pytest.mark.parametrize("loss", [Refused("one row less"), Conflicted("40001")])
async def test_who_has_lost_a_race_takes_locks_at_once_and_for_a_while(loss: Exception) -> None:
    given, company = Given(), an_id()
    given.database.on_write = failing(1, loss)
    orders = [register(company, "Acme"), rename(company, "Umbrella")]
    for order_ in orders:
        (reply,) = await given.settling.settle([order_])
        assert isinstance(reply, Accepted)
        assert not reply.repeated
    assert (given.database.races, given.database.attempts) == (1, 3)
    assert len(given.database.events) == len(given.published) == 2


async def test_a_repeat_that_another_replica_has_answered_is_a_repeat_though_this_one_had_lost_the_race() -> None:
    given, first = Given(), register(an_id(), "Acme")

    def late(changes: Changes) -> None:
        if given.database.attempts == 1:
            raise Refused("another one was quicker")
        given.database.on_write = nothing
        another = FakeTransaction(given.database)
        another.changes = changes
        another.apply()
        raise Refused("it is known")

    given.database.on_write = late
    (reply,) = await given.settling.settle([first])
    assert isinstance(reply, Accepted)
    assert (reply.repeated, given.database.attempts) == (True, 3)


def test_a_race_is_run_again_when_the_rest_is_over() -> None:
    now = [0.0]
    optimism, lone = Optimism(rest=10, now=lambda: now[0]), [register(an_id(), "Acme")]
    assert optimism.suits(lone)
    optimism.lost()
    now[0] = 9.9
    assert not optimism.suits(lone)
    now[0] = 10.0
    assert optimism.suits(lone)


async def test_a_batch_is_told_when_its_replies_are_on_their_way(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    monkeypatch.setattr(settling, "report", lambda commands, *_, **__: told.append(len(commands)))
    await Given().settling.settle([register(an_id(), "Acme")])
    assert told == []
    await eventually(lambda: told == [1])
