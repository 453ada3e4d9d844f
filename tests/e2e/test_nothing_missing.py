"""Through real processes: events taken out of the queue come back, dead documents are found and made good."""

import asyncio
import json
import re
import sys
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import aio_pika
import pytest
import pytest_asyncio

from contracts.client import Client
from contracts.making import command, new_id
from contracts.replies import Accepted
from contracts.results import Ok
from read_service.adapters.mongo import connected
from tests.e2e.conftest import Whole
from tests.support.eventually import eventually
from tests.support.processes import Process
from tests.support.running import LIVE, messages

pytestmark = pytest.mark.e2e

REPLICAS = 1, 2


@pytest_asyncio.fixture
async def client(whole: Whole) -> AsyncIterator[Client]:
    async with Client(whole.amqp_url) as made:
        yield made


async def do(client: Client, kind: str, company: str, **data: Any) -> str:
    """Send a command that must be accepted; its token."""
    reply = await client.send(command(kind, company, **data))
    assert isinstance(reply, Accepted), reply
    return reply.token


async def add_user(client: Client, company: str, role: str = "owner") -> str:
    user = new_id()
    return await do(client, "user.add", company, user_id=user, email=f"{user}@x.example", full_name="Ada", role=role)


async def seen(client: Client, company: str, token: str) -> Any:
    """The company as it is after the token's command."""
    answer = await client.ask("company.get", company_id=company, after=token, wait_ms=10_000)
    assert isinstance(answer, Ok), answer
    return answer.result


async def take_out(amqp_url: str, is_taken: Callable[[Mapping[str, Any]], bool]) -> int:
    """Take messages out of the queue of events for good, leave the others; how many were taken."""
    taken = 0
    async with await aio_pika.connect(amqp_url) as connection:
        queue = await (await connection.channel()).get_queue(LIVE, ensure=False)
        while (message := await queue.get(fail=False)) is not None:
            if is_taken(json.loads(message.body)[0]):
                await message.ack()
                taken += 1
    return taken  # what was not acknowledged goes back with the connection


def requests(reader: Process) -> int:
    """How often this reader has asked for what is missing."""
    with urllib.request.urlopen(f"{reader.url}/metrics", timeout=5) as answer:  # noqa: S310 - our own
        found = re.search(r"^registrar_read_repair_requests_total (\S+)", answer.read().decode(), re.MULTILINE)
    assert found is not None
    return int(float(found[1]))


async def read_service(whole: Whole, *arguments: str) -> tuple[int, Any]:
    """`read-service … --json`: its exit code and what it says."""
    program = Path(sys.executable).parent / "read-service"
    pipe = asyncio.subprocess.PIPE
    started = await asyncio.create_subprocess_exec(
        program, *arguments, "--json", env=dict(whole.environment), stdout=pipe
    )
    out, _ = await started.communicate()
    assert started.returncode is not None
    return started.returncode, json.loads(out)


async def test_events_taken_out_of_the_queue_are_back_within_seconds(whole: Whole, client: Client) -> None:
    middle, last, first = new_id(), new_id(), new_id()
    for company in (middle, last):
        token = await do(client, "company.register", company, name=f"Company {company}")
        await seen(client, company, token)
    assert [await reader.stop() for reader in whole.readers] == [0, 0]
    await add_user(client, middle)
    tokens = {
        middle: await do(client, "company.activate", middle),
        last: await add_user(client, last),
        first: await do(client, "company.register", first, name=f"Company {first}"),
    }
    await eventually(lambda: messages(whole.amqp_url), until=lambda waiting: waiting == 4)
    lost = {(middle, 2), (last, 2), (first, 1)}
    assert await take_out(whole.amqp_url, lambda event: (event["subject"], event["version"]) in lost) == 3
    for reader in whole.readers:
        await reader.start()
    await asyncio.gather(*(reader.ready() for reader in whole.readers))
    found = {company: await seen(client, company, token) for company, token in tokens.items()}
    assert {company: one.version for company, one in found.items()} == {middle: 3, last: 2, first: 1}
    assert (found[middle].status, found[middle].users.owner, found[last].users.owner) == ("active", 1, 1)
    assert sum(map(requests, whole.readers)) == 3
    assert (await read_service(whole, "verify"))[0] == 0
    assert await read_service(whole, "gaps") == (0, [])


async def test_documents_that_were_changed_by_hand_are_found_and_made_good(whole: Whole, client: Client) -> None:
    company = new_id()
    await do(client, "company.register", company, name=f"Company {company}")
    await seen(client, company, await add_user(client, company))
    async with connected(whole.environment["REGISTRAR_MONGO_URL"], name="test") as documents:
        await documents["users.g1"].update_one({"company_id": company}, {"$set": {"email": "nobody@x.example"}})
        await documents["statistics.g1"].update_one({}, {"$inc": {"companies.closed": 7}})
    code, said = await read_service(whole, "verify")
    assert (code, list(said["differences"]), len(said["statistics"])) == (1, [company], 1)
    assert "email is 'nobody@x.example'" in said["differences"][company][0]
    assert (await read_service(whole, "verify", "--repair"))[0] == 0
    assert (await read_service(whole, "parked", "list"))[1] == {"count": 0, "items": []}
