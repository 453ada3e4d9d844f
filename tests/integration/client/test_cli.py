"""`registrar send` and `registrar ask`: what they write, and how they end."""

import asyncio
import json
import os
import sys
import uuid
from pathlib import Path

from tests.integration.client.responder import Responder
from tests.integration.client.typing_it import Registrar, registrar_at

COMPANY = {
    "company_id": "8986f81f-454c-59d8-9b2f-0c237fc1e2f5", "name": "Acme [bold]& Sons[/bold]", "status": "active",
    "status_reason": None, "seat_limit": 5, "users": {"owner": 1, "admin": 0, "member": 2}, "version": 7,
    "registered_at": "2026-11-23T10:00:00Z", "updated_at": "2026-11-23T10:00:00Z",
}  # fmt: skip


async def test_sending_a_command_shows_its_outcome(registrar: Registrar, responder: Responder) -> None:
    company = str(uuid.uuid4())

    done = await registrar("send", "company.register", company, "name=Acme = more", "seat_limit=7", "--json")

    assert done.code == 0
    reply = json.loads(done.out)
    assert (reply["status"], reply["company_id"], reply["version"]) == ("accepted", company, 1)
    sent = json.loads(responder.messages[0].body)
    assert sent["data"] == {"name": "Acme = more", "seat_limit": 7}
    assert sent["source"] == "/clients/console"


async def test_everything_around_the_data_can_be_given(registrar: Registrar, responder: Responder) -> None:
    company, command = str(uuid.uuid4()), str(uuid.uuid4())

    await registrar(
        "send", "company.register.v1", company, "--data", '{"name": "Acme"}', "--id", command, "--expected-version",
        "0", "--actor", "ada", "--correlation-id", "c-1",
    )  # fmt: skip

    sent = json.loads(responder.messages[0].body)
    assert (sent["id"], sent["expectedversion"], sent["actor"], sent["correlationid"]) == (command, 0, "ada", "c-1")


async def test_a_rejection_is_shown_and_ends_with_one(registrar: Registrar, responder: Responder) -> None:
    done = await registrar("send", "company.activate", str(uuid.uuid4()))

    assert done.code == 1
    assert "company_not_found" in done.out


async def test_an_invalid_command_is_shown_as_the_service_would_and_is_not_sent(
    registrar: Registrar, responder: Responder
) -> None:
    done = await registrar("send", "company.register", "new", "name=", "--json")

    assert done.code == 1
    assert json.loads(done.out)["errors"] == [
        {"loc": ["data", "name"], "msg": "must have 1 to 200 characters", "type": "text_length"}
    ]
    assert responder.messages == []


async def test_without_waiting_the_command_is_only_published(registrar: Registrar, responder: Responder) -> None:
    done = await registrar("send", "company.register", "new", "name=Acme", "--no-wait")

    assert json.loads(done.out)["status"] == "published"
    assert done.code == 0


async def test_no_reply_in_time_ends_with_three_and_says_how_to_go_on(
    registrar: Registrar, responder: Responder
) -> None:
    responder.answering.clear()

    done = await registrar("send", "company.register", "new", "name=Acme", "--timeout", "0.2")

    assert done.code == 3
    assert "To send it again" in done.err
    responder.answering.set()


async def test_wrong_typing_ends_with_two(registrar: Registrar) -> None:
    for arguments, says in [
        (("send", "company.found", "new"), "'company.found' is not known"),
        (("send", "company.register", "new", "name"), "'name' is no KEY=VALUE"),
        (("send", "company.register", "new", "nom=x"), "it takes name, seat_limit"),
        (("send", "company.register", "new", "--data", "{"), "--data is no JSON"),
        (("send", "company.register", "new", "--data", "[]"), "--data is a JSON object"),
        (("ask", "company"), "'company' is not known"),
        (("ask", "company.get"), "company.get needs --company-id"),
        (("ask", "statistics.get", "--limit", "1"), "does not take --limit; it takes --after, --wait-ms"),
    ]:
        done = await registrar(*arguments)
        assert (done.code, says in done.err) == (2, True), (arguments, done)


async def test_a_page_is_a_table_and_names_are_never_markup(registrar: Registrar, responder: Responder) -> None:
    responder.answers["company.list.v1"] = {"status": "ok", "result": {"items": [COMPANY], "next_cursor": "abc"}}

    done = await registrar("ask", "company.list", "--limit", "10", "--after", "t1", "--after", "t2")

    assert done.code == 0
    assert "Acme [bold]& Sons[/bold]" in done.out
    assert str(COMPANY["company_id"]) in done.out
    assert "--cursor abc" in done.out
    assert responder.asked == [("company.list.v1", {"limit": 10, "after": ["t1", "t2"]})]


async def test_an_answer_as_json_is_the_reply_itself(registrar: Registrar, responder: Responder) -> None:
    answer = {"status": "ok", "result": COMPANY}
    responder.answers["company.get.v1"] = answer

    done = await registrar("ask", "company.get", "--company-id", str(COMPANY["company_id"]), "--json")

    assert json.loads(done.out) == answer


async def test_nothing_found_ends_with_one_and_stale_with_three(registrar: Registrar, responder: Responder) -> None:
    company = str(uuid.uuid4())
    missing = await registrar("ask", "company.get", "--company-id", company)
    responder.answers["company.get.v1"] = {"status": "stale", "version": 3}
    stale = await registrar("ask", "company.get", "--company-id", company)

    assert (missing.code, stale.code) == (1, 3)
    assert "not_found" in missing.out


async def test_a_broker_that_is_away_ends_with_three() -> None:
    done = await registrar_at("amqp://user:secret@127.0.0.1:1/")("ask", "statistics.get")

    assert done.code == 3
    assert "No connection to the broker at 127.0.0.1:1/" in done.err
    assert "secret" not in done.err


async def test_the_program_itself_ends_with_the_same_codes_and_one_line() -> None:
    program = Path(sys.executable).parent / "registrar"
    environment = {**os.environ, "REGISTRAR_AMQP_URL": "amqp://127.0.0.1:1/"}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        program, "ask", "statistics.get", env=environment, stdout=pipe, stderr=pipe
    )
    out, err = await process.communicate()

    assert (process.returncode, out, len(err.splitlines())) == (3, b"", 1)
