"""The pipeline on a real Postgres: what one transaction keeps."""

import json
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from contracts import tokens
from contracts.events import EVENTS
from contracts.replies import Accepted, Invalid, Rejected
from tests.integration.write_service.conftest import Owner
from tests.integration.write_service.pipelines import pipeline
from tests.unit.write_service.orders import add_user, an_id, change_email, close, order, register, remove_user, rename


async def rows(owner: Owner, query: str) -> list[tuple[Any, ...]]:
    return [
        tuple(str(value) if hasattr(value, "hex") and not isinstance(value, bytes | float) else value for value in row)
        for row in await owner.fetch(query)
    ]


async def test_one_transaction_keeps_state_event_outbox_and_outcome(engine: AsyncEngine, owner: Owner) -> None:
    company, anna = an_id(), an_id()
    registered = register(company, "Acme", correlationid="c1", actor="ann", traceparent=f"00-{'a' * 32}-{'b' * 16}-01")
    added = add_user(company, anna, "Anna@Acme.example", "owner")
    async with pipeline(engine) as replica:
        replies = await replica.handle(registered, added)
    assert replies == [
        Accepted(registered.id, company, 1, tokens.encode(company, 1)),
        Accepted(added.id, company, 2, tokens.encode(company, 2)),
    ]
    assert await rows(
        owner, "SELECT id, version, status, name, seat_limit, user_count, owner_count FROM companies"
    ) == [(company, 2, "registered", "Acme", 5, 1, 1)]
    assert await rows(owner, "SELECT user_id, email, role FROM users") == [(anna, "anna@acme.example", "owner")]
    log = await owner.fetch("SELECT * FROM events ORDER BY version")
    assert [(row["version"], row["type"], str(row["command_id"])) for row in log] == [
        (1, "company.registered.v1", registered.id),
        (2, "user.added.v1", added.id),
    ]
    assert json.loads(log[0]["data"]) == {"name": "Acme", "seat_limit": 5}
    assert (log[0]["correlationid"], log[0]["actor"]) == ("c1", "ann")
    outbox = await owner.fetch("SELECT * FROM outbox ORDER BY event_id")
    assert [row["body"] for row in outbox] == [row.body for row in replica.published]
    assert await rows(owner, "SELECT count(*) FROM command_log WHERE outcome = 'accepted'") == [(2,)]


async def test_what_is_published_reads_as_the_contracts_say(engine: AsyncEngine) -> None:
    company, anna, bert = an_id(), an_id(), an_id()
    async with pipeline(engine) as replica:
        await replica.handle(
            register(company, "Acme"),
            rename(company, "Umbrella"),
            add_user(company, anna, "anna@acme.example", "owner"),
            add_user(company, bert, "bert@acme.example"),
            order("company.activate", company),
            order("user.change_role", company, {"user_id": bert, "role": "admin"}),
            order("user.rename", company, {"user_id": bert, "full_name": "Bert"}),
            change_email(company, bert, "b@acme.example"),
            remove_user(company, bert),
            order("company.change_seat_limit", company, {"seat_limit": 7}),
            order("company.change_seat_limit", company, {"seat_limit": 7}),
            order("company.suspend", company, {"reason": "unpaid"}),
            add_user(company, bert, "bert@acme.example"),
            close(company),
        )
    read = [EVENTS[row.type].model_validate_json(row.body) for row in replica.published]
    assert {event.type for event in read} == set(EVENTS)
    versions = [event.model_dump().get("version") for event in read]
    assert versions == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, None, 11, None, 12]
    assert read[10].data.command_type == "company.change_seat_limit.v1"
    assert (read[12].data.code, read[12].data.details) == ("company_suspended", {})
    assert [event.id for event in read] == sorted(event.id for event in read)


async def test_a_repeat_gets_the_first_outcome_and_has_no_effect(engine: AsyncEngine, owner: Owner) -> None:
    company = an_id()
    commands = [
        register(company, "Acme"),
        register(company, "Acme"),
        rename(company, "Acme"),
        rename(company, "Umbrella"),
    ]
    async with pipeline(engine) as replica:
        first = await replica.handle(*commands)
        published = len(replica.published)
        again = await replica.handle(*commands)
        assert len(replica.published) == published
    facts = [(reply.status, getattr(reply, "version", None), getattr(reply, "code", None)) for reply in first]
    assert facts == [
        ("accepted", 1, None),
        ("rejected", None, "company_already_exists"),
        ("accepted", 1, None),
        ("accepted", 2, None),
    ]
    for one, other in zip(first, again, strict=True):
        assert isinstance(one, Accepted | Rejected)
        assert isinstance(other, Accepted | Rejected)
        assert (one.repeated, other.repeated) == (False, True)
        assert other == type(one)(**{**{name: getattr(one, name) for name in one.__slots__}, "repeated": True})
    assert await rows(owner, "SELECT count(*) FROM events") == [(2,)]


async def test_a_repeat_in_the_same_batch_and_another_command_under_its_id(engine: AsyncEngine, owner: Owner) -> None:
    company = an_id()
    command = register(company, "Acme")
    other = register(company, "Umbrella", id=command.id)
    async with pipeline(engine) as replica:
        first, repeat, reused = await replica.handle(command, command, other)
        later = (await replica.handle(other))[0]
    assert first == Accepted(command.id, company, 1, tokens.encode(company, 1))
    assert repeat == Accepted(command.id, company, 1, tokens.encode(company, 1), repeated=True)
    assert isinstance(reused, Invalid)
    assert reused.errors[0]["type"] == "id_reused"
    assert later == reused
    assert await rows(owner, "SELECT name FROM companies") == [("Acme",)]


async def test_a_batch_may_close_a_company_and_give_its_name_away(engine: AsyncEngine, owner: Owner) -> None:
    one, other = an_id(), an_id()
    async with pipeline(engine) as replica:
        await replica.handle(register(one, "Acme"))
        replies = await replica.handle(register(other, " ACME "), close(one), register(other, "acme"))
    assert [getattr(reply, "code", reply.status) for reply in replies] == ["name_taken", "accepted", "accepted"]
    assert await rows(owner, "SELECT status, name FROM companies ORDER BY status") == [
        ("closed", "Acme"),
        ("registered", "acme"),
    ]


async def test_two_companies_swap_their_names_in_one_batch(engine: AsyncEngine, owner: Owner) -> None:
    one, other = sorted([an_id(), an_id()])
    async with pipeline(engine) as replica:
        await replica.handle(register(one, "Acme"), register(other, "Umbrella"))
        replies = await replica.handle(rename(one, "Waiting"), rename(other, "Acme"), rename(one, "Umbrella"))
    assert [reply.status for reply in replies] == ["accepted"] * 3
    assert await rows(owner, "SELECT name, version FROM companies ORDER BY id") == [("Umbrella", 3), ("Acme", 2)]


async def test_two_users_swap_their_emails_and_one_leaves_and_comes_back(engine: AsyncEngine, owner: Owner) -> None:
    company = an_id()
    anna, bert, carl, dora = sorted(an_id() for _ in range(4))
    async with pipeline(engine) as replica:
        await replica.handle(
            register(company, "Acme"),
            *(
                add_user(company, user, f"{name}@acme.example")
                for user, name in ((anna, "a"), (bert, "b"), (carl, "c"))
            ),
        )
        replies = await replica.handle(
            change_email(company, anna, "waiting@acme.example"),
            change_email(company, bert, "a@acme.example"),
            change_email(company, anna, "b@acme.example"),
            remove_user(company, carl),
            add_user(company, dora, "c@acme.example", "admin"),
            add_user(company, carl, "d@acme.example", "owner"),
            remove_user(company, dora),
        )
    assert [reply.status for reply in replies] == ["accepted"] * 7
    assert await rows(owner, "SELECT user_id, email, role FROM users ORDER BY email") == [
        (bert, "a@acme.example", "member"),
        (anna, "b@acme.example", "member"),
        (carl, "d@acme.example", "owner"),
    ]
    assert await rows(owner, "SELECT user_count, owner_count, version FROM companies") == [(3, 1, 11)]


async def test_the_longest_name_in_its_longest_form_can_be_stored(engine: AsyncEngine) -> None:
    async with pipeline(engine) as replica:
        replies = await replica.handle(register(an_id(), "\ufdfa" * 200), register(an_id(), "\ufdfa" * 200))
    assert [getattr(reply, "code", reply.status) for reply in replies] == ["accepted", "name_taken"]
