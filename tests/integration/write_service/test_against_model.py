"""Random commands through three replicas, compared with a model that knows nothing of the service."""

import asyncio
import copy
import json
import os
import uuid
from contextlib import AsyncExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.commands import Command
from contracts.replies import Accepted, Rejected, Reply
from tests.integration.write_service.conftest import Owner
from tests.integration.write_service.pipelines import Pipeline, pipeline
from tests.support.model import Model, Verdict
from tests.unit.write_service.orders import order

EXAMPLES = int(os.environ.get("REGISTRAR_TEST_EXAMPLES", "40"))
NAMES = ("Acme", "ACME", "Umbrella", "Umbrella  Inc")

Draw = tuple[str, dict[str, Any]]

few = st.integers(0, 2)
users = few.map(lambda n: f"user-{n}")
emails = few.map(lambda n: f"{n}@acme.example")
roles = st.sampled_from(["owner", "admin", "member"])
seats = st.integers(1, 3)
reasons = st.just({"reason": "because"})

# Registering and adding come more often than the rest, or most of what is drawn meets nothing.
draws: st.SearchStrategy[Draw] = st.one_of(
    st.tuples(
        st.just("company.register"), st.fixed_dictionaries({"name": st.sampled_from(NAMES), "seat_limit": seats})
    ),
    st.tuples(
        st.just("company.register"), st.fixed_dictionaries({"name": st.sampled_from(NAMES), "seat_limit": seats})
    ),
    st.tuples(st.just("company.rename"), st.fixed_dictionaries({"name": st.sampled_from(NAMES)})),
    st.tuples(st.just("company.activate"), st.just({})),
    st.tuples(st.sampled_from(["company.suspend", "company.close"]), reasons),
    st.tuples(st.just("company.change_seat_limit"), st.fixed_dictionaries({"seat_limit": seats})),
    *[
        st.tuples(
            st.just("user.add"),
            st.fixed_dictionaries({"user_id": users, "email": emails, "full_name": st.just("Anna"), "role": roles}),
        )
    ]
    * 3,
    st.tuples(st.just("user.change_role"), st.fixed_dictionaries({"user_id": users, "role": roles})),
    st.tuples(
        st.just("user.rename"),
        st.fixed_dictionaries({"user_id": users, "full_name": st.sampled_from(["Anna", "ANNA"])}),
    ),
    st.tuples(st.just("user.change_email"), st.fixed_dictionaries({"user_id": users, "email": emails})),
    st.tuples(st.just("user.remove"), st.fixed_dictionaries({"user_id": users})),
)
expected = st.none() | st.none() | st.integers(0, 5)
orders = st.tuples(few, draws, expected, st.none() | st.none() | st.integers(0, 40))
batches = st.lists(st.tuples(few, st.lists(orders, min_size=1, max_size=12)), min_size=1, max_size=10)
Batches = list[tuple[int, list[tuple[int, Draw, int | None, int | None]]]]

bounded = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def commands_of(drawn: Batches) -> list[tuple[int, list[Command]]]:
    """The drawn commands, on companies and names that no earlier example has used; some of them are repeats."""
    salt = uuid.uuid4().hex[:12]

    def identity(word: str) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, salt + word))

    made: list[Command] = []
    result = []
    for replica, batch in drawn:
        commands = []
        for company, (kind, drawn_data), version, repeat in batch:
            data = dict(drawn_data)
            if "name" in data:
                data["name"] = f"{salt} {data['name']}"
            if "user_id" in data:
                data["user_id"] = identity(data["user_id"])
            new = order(kind, identity(f"company-{company}"), data, id=str(uuid.uuid4()), expectedversion=version)
            commands.append(made[repeat] if repeat is not None and repeat < len(made) else new)
            made.append(commands[-1])
        result.append((replica, commands))
    return result


def said(reply: Reply) -> Verdict:
    if isinstance(reply, Rejected):
        return Verdict(code=reply.code)
    assert isinstance(reply, Accepted), reply
    return Verdict(version=reply.version)


async def compare_state(owner: Owner, model: Model, company_ids: set[str]) -> None:
    """The tables hold what the model holds."""
    companies = await owner.fetch("SELECT * FROM companies WHERE id = ANY($1::uuid[])", list(company_ids))
    stored = {str(row["id"]): row for row in companies}
    assert set(stored) == set(model.companies)
    for company_id, held in model.companies.items():
        row = stored[company_id]
        facts = (row["version"], row["status"], row["name"], row["seat_limit"], row["user_count"], row["owner_count"])
        assert facts == (held.version, held.status, held.name, held.seats, len(held.users), held.owners())
        found = await owner.fetch("SELECT * FROM users WHERE company_id = $1", company_id)
        assert {str(user["user_id"]): (user["email"], user["full_name"], user["role"]) for user in found} == {
            user_id: (user["email"], user["full_name"], user["role"]) for user_id, user in held.users.items()
        }


async def log_of(owner: Owner, company_ids: set[str]) -> list[Any]:
    query = "SELECT * FROM events WHERE company_id = ANY($1::uuid[]) ORDER BY company_id, version"
    return list(await owner.fetch(query, list(company_ids)))


@pytest.mark.timeout(600)
@bounded
@given(drawn=batches)
async def test_one_batch_after_the_other_gives_what_the_model_says(
    engine: AsyncEngine, owner: Owner, drawn: Batches
) -> None:
    work, model, seen = commands_of(drawn), Model(), set[str]()
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(pipeline(engine)) for _ in range(3)]
        for replica, commands in work:
            replies = await replicas[replica].handle(*commands)
            for command, reply in zip(commands, replies, strict=True):
                verdict = model.tell(command)
                assert said(reply) == Verdict(verdict.code, verdict.version)
                assert isinstance(reply, Accepted | Rejected)
                assert reply.repeated == (command.id in seen)
                seen.add(command.id)
    ids = {command.subject for _, commands in work for command in commands}
    await compare_state(owner, model, ids)
    log = {str(row["command_id"]): (row["type"], json.loads(row["data"])) for row in await log_of(owner, ids)}
    assert log == {name: verdict.event for name, verdict in model.verdicts.items() if verdict.event}


async def at_once(replicas: list[Pipeline], work: list[tuple[int, list[Command]]]) -> list[tuple[Command, Reply]]:
    replies = await asyncio.gather(*(replicas[replica].handle(*commands) for replica, commands in work))
    pairs = []
    for (_, commands), of_batch in zip(work, replies, strict=True):
        pairs += list(zip(commands, of_batch, strict=True))
    return pairs


@pytest.mark.timeout(600)
@bounded
@given(drawn=batches)
async def test_all_at_once_gives_a_history_that_the_model_can_follow(
    engine: AsyncEngine, owner: Owner, drawn: Batches
) -> None:
    work = commands_of(drawn)
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(pipeline(engine)) for _ in range(3)]
        answered = await at_once(replicas, work)
    by_id = {command.id: command for command, _ in answered}
    outcomes: dict[str, list[Reply]] = {}
    for command, reply in answered:
        outcomes.setdefault(command.id, []).append(reply)
    for replies in outcomes.values():  # one outcome each, told first to one of those who asked
        assert len({said(reply) for reply in replies}) == 1
        assert [getattr(reply, "repeated", None) for reply in replies].count(False) == 1

    ids = {command.subject for command in by_id.values()}
    log = sorted(await log_of(owner, ids), key=lambda row: row["position"])
    history = [Model()]
    for row in log:  # names: the order of the log is one in which the locks let them through
        model = copy.deepcopy(history[-1])
        verdict = model.tell(by_id[str(row["command_id"])])
        assert verdict == Verdict(None, row["version"], (row["type"], json.loads(row["data"])))
        history.append(model)
    await compare_state(owner, history[-1], ids)
    changed = {str(row["command_id"]) for row in log}
    for command_id, replies in outcomes.items():  # what changed nothing must have been right at some moment
        if command_id not in changed:
            moments = [copy.deepcopy(model).tell(by_id[command_id]) for model in history]
            assert said(replies[0]) in [Verdict(moment.code, moment.version) for moment in moments if not moment.event]
