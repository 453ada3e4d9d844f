"""Three replicas on one database: races, and who wins them."""

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.commands import Command
from contracts.replies import Accepted, Reply
from tests.integration.write_service.conftest import Owner
from tests.integration.write_service.pipelines import Pipeline, pipeline
from tests.unit.write_service.orders import add_user, an_id, register, rename


async def three(engine: AsyncEngine, stack: AsyncExitStack) -> list[Pipeline]:
    return [await stack.enter_async_context(pipeline(engine)) for _ in range(3)]


def word(reply: Reply) -> str:
    return str(getattr(reply, "code", reply.status))


async def at_once(replicas: list[Pipeline], orders: list[list[Command]]) -> list[list[Reply]]:
    """Each replica's commands as messages of their own, all at the same moment."""
    sent = [
        asyncio.gather(*(replica.handle(command) for command in commands))
        for replica, commands in zip(replicas, orders, strict=True)
    ]
    return [[reply for (reply,) in replies] for replies in await asyncio.gather(*sent)]


def no_one_was_refused(replicas: list[Pipeline]) -> None:
    """The locks alone kept them apart: the database had nothing to refuse, and nothing ran twice."""
    assert [replica.transactions.refusals for replica in replicas] == [[], [], []]


async def deadlocks(owner: Owner) -> Any:
    await owner.execute("SELECT pg_stat_clear_snapshot()")
    return await owner.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")


async def test_the_same_commands_at_three_replicas_have_one_outcome_each(engine: AsyncEngine, owner: Owner) -> None:
    companies = [an_id() for _ in range(40)]
    orders = [register(company, f"Name {number % 30}") for number, company in enumerate(companies)]
    orders += [add_user(company, an_id(), f"{company}@acme.example", "owner") for company in companies]
    orders += [add_user(an_id(), an_id(), "nobody@acme.example") for _ in range(20)]
    async with AsyncExitStack() as stack:
        replicas = await three(engine, stack)
        shuffled = [random.Random(seed).sample(orders, len(orders)) for seed in range(3)]
        replies = await at_once(replicas, shuffled)
    by_command: dict[str, list[Reply]] = {}
    for commands, of_replica in zip(shuffled, replies, strict=True):
        for command, reply in zip(commands, of_replica, strict=True):
            by_command.setdefault(command.id, []).append(reply)
    for outcomes in by_command.values():
        assert sorted(bool(getattr(reply, "repeated", None)) for reply in outcomes) == [False, True, True], outcomes
        assert len({(word(reply), getattr(reply, "version", None)) for reply in outcomes}) == 1
    accepted = sum(isinstance(outcomes[0], Accepted) for outcomes in by_command.values())
    assert await owner.fetchval("SELECT count(*) FROM events") == accepted
    assert await owner.fetchval("SELECT count(*) FROM command_log") == len(orders)
    assert await owner.fetchval("SELECT count(*) FROM outbox") == len(orders)
    assert await deadlocks(owner) == 0


async def test_a_name_wanted_by_many_goes_to_one(engine: AsyncEngine, owner: Owner) -> None:
    async with AsyncExitStack() as stack:
        replicas = await three(engine, stack)
        orders: list[list[Command]] = [[register(an_id(), f"Name {n % 7}") for n in range(70)] for _ in replicas]
        replies = await at_once(replicas, orders)
    assert Counter(word(reply) for of_replica in replies for reply in of_replica) == {"accepted": 7, "name_taken": 203}
    no_one_was_refused(replicas)
    assert await owner.fetchval("SELECT count(DISTINCT name) FROM companies") == 7
    assert await deadlocks(owner) == 0


async def test_a_hot_company_takes_every_seat_once(engine: AsyncEngine, owner: Owner) -> None:
    company = an_id()
    async with AsyncExitStack() as stack:
        replicas = await three(engine, stack)
        await replicas[0].handle(register(company, "Hot", seat_limit=150))
        orders: list[list[Command]] = [
            [add_user(company, an_id(), f"{an_id()}@acme.example") for _ in range(100)] for _ in replicas
        ]
        replies = await at_once(replicas, orders)
    words = Counter(word(reply) for of_replica in replies for reply in of_replica)
    no_one_was_refused(replicas)
    assert words == {"accepted": 150, "seat_limit_reached": 150}
    versions = sorted(reply.version for found in replies for reply in found if isinstance(reply, Accepted))
    assert versions == list(range(2, 152))
    assert await owner.fetchval("SELECT user_count FROM companies") == 150
    assert await owner.fetchval("SELECT count(*) FROM users") == 150


async def test_of_those_who_expect_the_same_version_one_wins(engine: AsyncEngine) -> None:
    company = an_id()
    async with AsyncExitStack() as stack:
        replicas = await three(engine, stack)
        await replicas[0].handle(register(company, "Acme"))
        orders: list[list[Command]] = [
            [rename(company, f"Name {number}", expectedversion=1)] for number, _ in enumerate(replicas)
        ]
        replies = await at_once(replicas, orders)
    no_one_was_refused(replicas)
    assert Counter(word(reply) for (reply,) in replies) == {"accepted": 1, "version_conflict": 2}


async def test_batches_in_opposite_orders_do_not_block_each_other_for_ever(engine: AsyncEngine, owner: Owner) -> None:
    companies = [an_id() for _ in range(50)]
    async with AsyncExitStack() as stack:
        replicas = await three(engine, stack)
        await replicas[0].handle(*(register(company, f"First {company}") for company in companies))
        for number in range(5):
            orders = [
                [
                    rename(company, f"Round {number} {company[-6:]} {which}")
                    for company in companies[:: 1 - 2 * (which % 2)]
                ]
                for which, _ in enumerate(replicas)
            ]
            sent = (replica.handle(*batch) for replica, batch in zip(replicas, orders, strict=True))
            replies = await asyncio.gather(*sent)
            assert {word(reply) for of_replica in replies for reply in of_replica} == {"accepted"}
    no_one_was_refused(replicas)
    assert await deadlocks(owner) == 0
    assert set(await owner.fetchval("SELECT array_agg(DISTINCT version) FROM companies")) == {16}
