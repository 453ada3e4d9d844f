"""Calls of the client against a real broker: many at once, answered late, twice, by a stranger or not at all."""

import asyncio
import uuid
from typing import Any

import aio_pika
import pytest

from contracts import replies, tokens, topology
from contracts.client import Client
from contracts.commands import ActivateCompany, Command, RegisterCompany
from contracts.failures import BadReply, TimedOut, Unreachable, Unroutable
from contracts.making import command
from contracts.queries import CompanyGet
from contracts.replies import Accepted, Invalid, Rejected
from contracts.results import InvalidQuery, NotFound, Ok, Statistics
from tests.integration.client.responder import Responder
from tests.support.eventually import eventually


def registration(name: str = "Acme") -> RegisterCompany:
    return command(RegisterCompany, uuid.uuid4(), name=name)


async def test_a_command_gets_its_outcome_and_a_repeat_gets_it_again(client: Client, responder: Responder) -> None:
    asked = registration()

    first, second = await client.send(asked), await client.send(asked)

    token = tokens.encode(asked.subject, 1)
    assert first == Accepted(asked.id, asked.subject, 1, token)
    assert second == Accepted(asked.id, asked.subject, 1, token, repeated=True)


async def test_a_command_travels_as_the_contract_says(client: Client, responder: Responder) -> None:
    asked = registration()

    await client.send(asked)

    message = responder.messages[0]
    assert (message.exchange, message.routing_key) == ("commands", "company.register.v1")
    assert message.content_type == "application/cloudevents+json"
    assert (message.message_id, message.type) == (asked.id, "company.register.v1")
    assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT


async def test_two_hundred_calls_in_flight_get_each_their_own_reply(client: Client, responder: Responder) -> None:
    responder.answering.clear()
    asked = [registration(f"Company {number}") for number in range(200)]

    calls = [asyncio.create_task(client.send(one)) for one in asked]
    await eventually(lambda: len(responder.messages), until=lambda heard: heard == 200)
    responder.answering.set()

    assert [reply.command_id for reply in await asyncio.gather(*calls)] == [one.id for one in asked]
    assert set(responder.heard.values()) == {1}


async def test_a_published_command_is_with_the_broker(client: Client, responder: Responder) -> None:
    asked = registration()

    await client.publish(asked)

    await eventually(lambda: asked.id in responder.outcomes)
    assert responder.messages[0].reply_to is None


async def test_many_commands_get_their_replies_in_order_and_progress_is_told(
    client: Client, responder: Responder
) -> None:
    companies = [uuid.uuid4() for _ in range(180)]
    asked = [one for company in companies for one in (
        command(RegisterCompany, company, name="Acme"), command(ActivateCompany, company)
    )]  # fmt: skip
    told: dict[int, str | None] = {}

    def progress(first: int, some: list[replies.Reply]) -> None:
        told.update({first + place: reply.command_id for place, reply in enumerate(some)})

    found = await client.send_many(asked, progress=progress)

    assert [(reply.command_id, reply.status) for reply in found] == [(one.id, "accepted") for one in asked]
    assert [told[place] for place in range(len(asked))] == [one.id for one in asked]
    assert [message.content_type for message in responder.messages] == ["application/cloudevents-batch+json"] * 4


async def test_commands_about_one_company_keep_their_order_over_many_messages(
    client: Client, responder: Responder
) -> None:
    company = uuid.uuid4()
    asked: list[Command] = [command(RegisterCompany, company, name="Acme")]
    asked += [command("company.rename", company, name=f"Acme {number}") for number in range(350)]

    found = await client.send_many(asked)

    assert [reply.version for reply in found if isinstance(reply, Accepted)] == list(range(1, 352))


async def test_without_a_reply_the_call_times_out_and_says_that_it_may_be_repeated(
    client: Client, responder: Responder
) -> None:
    responder.answering.clear()

    with pytest.raises(TimedOut, match="sending it again with the same id is safe"):
        await client.send(registration(), timeout=0.3)


async def test_a_late_reply_and_a_strange_one_are_dropped(client: Client, responder: Responder) -> None:
    responder.answering.clear()
    with pytest.raises(TimedOut):
        await client.send(registration(), timeout=0.2)
    late = responder.messages[0]
    responder.answering.set()

    await responder.reply(late, b"[]", correlation_id="a stranger's")
    asked = registration("Next")
    reply = await client.send(asked)

    assert reply.command_id == asked.id


async def test_what_is_no_reply_is_reported(client: Client, responder: Responder) -> None:
    responder.answering.clear()
    call = asyncio.create_task(client.send(registration()))
    await eventually(lambda: responder.messages)

    await responder.reply(responder.messages[0], b'{"status": "perhaps"}')

    with pytest.raises(BadReply, match="no reply to a command"):
        await call
    responder.answering.set()


async def test_a_batch_that_cannot_be_read_makes_each_of_its_commands_invalid(
    client: Client, responder: Responder
) -> None:
    responder.answering.clear()
    asked = [registration(), registration()]
    call = asyncio.create_task(client.send_many(asked))
    await eventually(lambda: responder.messages)
    error = {"loc": ["body"], "msg": "no", "type": "json_invalid"}

    await responder.reply(responder.messages[0], replies.encode(Invalid(None, [error])))  # type: ignore[list-item]

    assert await call == [Invalid(one.id, [error]) for one in asked]  # type: ignore[list-item]
    responder.answering.set()


async def test_a_message_that_no_queue_takes_is_reported_and_harms_no_other(
    client: Client, responder: Responder, vhost: str
) -> None:
    connection = await aio_pika.connect(vhost, timeout=10)
    async with connection:
        channel = await connection.channel()
        await channel.queue_delete(topology.READ_QUERIES.name)

        with pytest.raises(Unroutable, match="read-service setup"):
            await client.ask("statistics.get")
        assert isinstance(await client.send(registration()), Accepted)


async def test_of_one_command_published_many_times_at_once_no_return_is_taken_for_a_confirm(
    client: Client, vhost: str
) -> None:
    async with await aio_pika.connect(vhost, timeout=10) as connection:
        await (await connection.channel()).queue_delete(topology.WRITE_COMMANDS.name)
        asked = registration()

        found = await asyncio.gather(*(client.publish(asked) for _ in range(5)), return_exceptions=True)

    assert [type(one) for one in found] == [Unroutable] * 5


async def test_a_queue_that_is_full_is_waited_for_and_named(client: Client, vhost: str) -> None:
    full: dict[str, Any] = {"x-max-length": 1, "x-overflow": "reject-publish"}
    async with await aio_pika.connect(vhost, timeout=10) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True, arguments=full)
        await queue.bind(topology.COMMANDS, "#")
        await client.publish(registration(), timeout=5)

        with pytest.raises(TimedOut, match="queue may be full"):
            await client.publish(registration(), timeout=0.3)
        waiting = asyncio.create_task(client.publish(registration(), timeout=5))
        await queue.get()
        await waiting


async def test_an_exchange_that_does_not_exist_is_reported(client: Client, responder: Responder, vhost: str) -> None:
    connection = await aio_pika.connect(vhost, timeout=10)
    async with connection:
        channel = await connection.channel()
        await channel.exchange_delete(topology.QUERIES)

        with pytest.raises(Unroutable, match="no exchange 'queries'"):
            await client.ask("statistics.get")
        assert isinstance(await client.send(registration()), Accepted)


async def test_the_same_command_twice_at_once_is_two_calls_with_one_effect(
    client: Client, responder: Responder
) -> None:
    asked = registration()

    found = await asyncio.gather(*(client.send(asked) for _ in range(5)))

    assert [reply.command_id for reply in found] == [asked.id] * 5
    assert responder.versions == {asked.subject: 1}


async def test_a_rejection_is_a_reply_and_no_error(client: Client, responder: Responder) -> None:
    asked = command(ActivateCompany, uuid.uuid4())

    reply = await client.send(asked)

    assert reply == Rejected(asked.id, asked.subject, "company_not_found", "There is no such company.")


async def test_a_query_is_answered_by_a_result_of_its_class(client: Client, responder: Responder) -> None:
    result = {"companies": {"active": 3}, "users": {}, "users_by_company_status": {}, "totals": {"companies": 3}}
    responder.answers["statistics.get.v1"] = {"status": "ok", "result": {**result, "new_field": 1}}

    answer = await client.ask("statistics.get")

    assert isinstance(answer, Ok)
    assert answer.result == Statistics.model_validate(result)


async def test_a_query_may_be_an_object_and_its_answer_may_be_that_there_is_nothing(
    client: Client, responder: Responder
) -> None:
    company = str(uuid.uuid4())

    answer = await client.ask(CompanyGet(company_id=company, after=["a token"], wait_ms=10))

    assert answer == NotFound()
    assert responder.asked == [
        ("company.get.v1", {"after": ["a token"], "wait_ms": 10, "company_id": company}),
    ]


async def test_an_answer_of_the_wrong_form_is_reported(client: Client, responder: Responder) -> None:
    responder.answers["statistics.get.v1"] = {"status": "ok", "result": {"companies": "many"}}

    with pytest.raises(BadReply, match=r"no answer to statistics\.get\.v1"):
        await client.ask("statistics.get")


async def test_a_refused_query_says_why(client: Client, responder: Responder) -> None:
    errors = [{"loc": ["after"], "msg": "not a token", "type": "token"}]
    responder.answers["statistics.get.v1"] = {"status": "invalid", "errors": errors}

    assert await client.ask("statistics.get") == InvalidQuery(errors=errors)


async def test_without_a_broker_connecting_says_so() -> None:
    with pytest.raises(Unreachable, match="No connection to the broker"):
        async with Client("amqp://127.0.0.1:1/"):
            pass


async def test_a_wrong_password_is_told_from_a_broker_that_is_away(vhost: str) -> None:
    wrong = vhost.replace("amqp://registrar:", "amqp://registrar:not")

    with pytest.raises(Unreachable, match="refuses this user, password or virtual host"):
        async with Client(wrong):
            pass
