"""From every command to every query's result, through real replicas of both services."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio

from contracts.client import Client
from contracts.commands import Command
from contracts.making import command
from contracts.replies import Accepted
from tests.e2e.conftest import Whole
from tests.e2e.raw import Raw, an_id, raw

pytestmark = pytest.mark.e2e

REPLICAS = 2, 3  # writers, readers

HISTORY = """
    company.registered user.added user.added user.added company.activated company.renamed company.seat_limit_changed
    user.role_changed user.renamed user.email_changed user.removed company.suspended company.activated company.closed
"""


@pytest_asyncio.fixture
async def client(whole: Whole) -> AsyncIterator[Client]:
    async with Client(whole.amqp_url) as made:
        yield made


@pytest_asyncio.fixture
async def asking(whole: Whole) -> AsyncIterator[Raw]:
    """Asks over the bus, and over HTTP at the last of the readers."""
    async with raw(whole.amqp_url, whole.readers[-1].url) as made:
        yield made


class Companies:
    """Sends commands, all of which must be accepted, and remembers the last token of each company."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.tokens: dict[str, str] = {}

    async def do(self, kind: str, company: str, **data: Any) -> Command:
        one = command(kind, company, **data)
        reply = await self._client.send(one)
        assert isinstance(reply, Accepted), reply
        self.tokens[company] = reply.token
        return one

    async def add(self, company: str, name: str, role: str, user_id: str | None = None) -> str:
        user_id = user_id or an_id()
        email = f"{name.lower()}@{company}.example"
        await self.do("user.add", company, user_id=user_id, email=email, full_name=name, role=role)
        return user_id


async def answer(asking: Raw, query: str, path: str, **parameters: Any) -> Any:
    """The result of a query, which must be the same over the bus and over HTTP; times are checked and taken out."""
    in_path = {name: value for name, value in parameters.items() if f"{{{name}}}" in path}
    shown = await asking.get(path.format(**in_path), **{k: v for k, v in parameters.items() if k not in in_path})
    assert await asking.ask(query, **parameters) == {"status": "ok", "result": shown}
    return timeless(shown)


def timeless(found: Any) -> Any:
    """The same without ids that the service made, and without times."""
    if isinstance(found, list):
        return [timeless(one) for one in found]
    if not isinstance(found, Mapping):
        return found
    made = ("time", "registered_at", "updated_at", "added_at", "event_id")
    return {name: timeless(value) for name, value in found.items() if name not in made}


async def test_all_commands_and_all_queries(client: Client, asking: Raw) -> None:
    companies, company = Companies(client), an_id()
    name, renamed = f"Acme {company}", f"Umbrella {company}"
    before = await answer(asking, "statistics.get.v1", "/statistics")
    done = [await companies.do("company.register", company, name=name, seat_limit=3)]
    ada = await companies.add(company, "Ada", "owner")
    bob = await companies.add(company, "Bob", "member")
    cyd = await companies.add(company, "Cyd", "member")
    new_email = f"robert@{company}.example"
    for kind, data in (
        ("company.activate", {}),
        ("company.rename", {"name": renamed}),
        ("company.change_seat_limit", {"seat_limit": 7}),
        ("user.change_role", {"user_id": bob, "role": "admin"}),
        ("user.rename", {"user_id": bob, "full_name": "Robert"}),
        ("user.change_email", {"user_id": bob, "email": new_email}),
        ("user.remove", {"user_id": cyd}),
        ("company.suspend", {"reason": "unpaid"}),
        ("company.activate", {}),
        ("company.close", {"reason": "merged"}),
    ):
        done.append(await companies.do(kind, company, **data))
    after = companies.tokens[company]

    about = {"company_id": company, "name": renamed}
    users = {"owner": 1, "admin": 1, "member": 0}
    state = {"status": "closed", "status_reason": "merged", "seat_limit": 7, "users": users, "version": 14}
    here = {"company_id": company, "after": after}
    assert await answer(asking, "company.get.v1", "/companies/{company_id}", **here) == about | state
    listing = {"name_prefix": renamed.upper(), "status": "closed", "sort": "-updated_at", "after": after}
    page = {"items": [about | state], "next_cursor": None}
    assert await answer(asking, "company.list.v1", "/companies", **listing) == page
    names = await answer(asking, "company.names.v1", "/companies/names", status="closed", limit=200, after=after)
    assert about in names["items"]

    people = [
        {"user_id": ada, "email": f"ada@{company}.example", "full_name": "Ada", "role": "owner"},
        {"user_id": bob, "email": new_email, "full_name": "Robert", "role": "admin"},
    ]
    of_company = [{"company_id": company} | one for one in people]
    listed = await answer(asking, "user.list.v1", "/companies/{company_id}/users", **here)
    assert listed == {"items": of_company, "next_cursor": None}
    found = await answer(asking, "user.find.v1", "/users", email=new_email, after=after)
    membership = of_company[1] | {"company_name": renamed, "company_status": "closed"}
    assert found == {"items": [membership], "next_cursor": None}

    activity = await answer(asking, "company.activity.v1", "/companies/{company_id}/activity", **here)
    told = [(entry["version"], entry["type"]) for entry in reversed(activity["items"])]
    assert told == [(number + 1, f"{kind}.v1") for number, kind in enumerate(HISTORY.split())]
    newest = {"version": 14, "type": "company.closed.v1", "command_id": done[-1].id, "actor": None}
    assert activity["items"][0] == newest | {"data": {"reason": "merged"}}
    assert activity["items"][6]["data"] == {"user_id": bob, "role": "admin", "previous_role": "member"}
    board = await answer(asking, "company.dashboard.v1", "/companies/{company_id}/dashboard", **here)
    latest = activity["items"][:10]
    assert board == {"company": about | state, "users": users, "seats_left": 5, "latest_activity": latest}

    outcome = await answer(asking, "command.get.v1", "/commands/{command_id}", command_id=done[-1].id, after=after)
    event = {"type": "company.closed.v1", "version": 14}
    assert outcome == {"status": "accepted", "command_id": done[-1].id, "company_id": company, "events": [event]}
    counted = await answer(asking, "statistics.get.v1", "/statistics", after=after)
    assert difference(before, counted) == {
        "companies.closed": 1,
        "users.owner": 1,
        "users.admin": 1,
        "users_by_company_status.closed.owner": 1,
        "users_by_company_status.closed.admin": 1,
        "totals.companies": 1,
        "totals.users": 2,
    }


def difference(before: Any, after: Any) -> dict[str, int]:
    """What was counted more or less, by path."""
    if not isinstance(after, Mapping):
        return {"": after - before} if after != before else {}
    deeper = ((name, difference(before[name], after[name])) for name in after)
    return {f"{name}.{path}".rstrip("."): by for name, found in deeper for path, by in found.items()}


async def test_a_user_who_was_removed_is_added_again(client: Client, asking: Raw) -> None:
    companies, company = Companies(client), an_id()
    await companies.do("company.register", company, name=f"Acme {company}")
    ada = await companies.add(company, "Ada", "owner")
    await companies.do("user.remove", company, user_id=ada)
    nobody = await asking.ask("user.list.v1", company_id=company, after=companies.tokens[company])
    assert nobody["result"] == {"items": [], "next_cursor": None}
    await companies.add(company, "Ada", "member", user_id=ada)
    (again,) = (await asking.ask("user.list.v1", company_id=company, after=companies.tokens[company]))["result"][
        "items"
    ]
    assert (again["user_id"], again["role"], again["added_at"]) == (ada, "member", again["updated_at"])
    found = await asking.get(f"/companies/{company}", after=companies.tokens[company])
    assert (found["users"], found["version"]) == ({"owner": 0, "admin": 0, "member": 1}, 4)


async def test_two_companies_swap_their_names(client: Client, asking: Raw) -> None:
    companies, one, other = Companies(client), an_id(), an_id()
    names = {one: f"One {one}", other: f"Other {other}"}
    for company, name in names.items():
        await companies.do("company.register", company, name=name)
    await companies.do("company.rename", one, name=f"For a moment {one}")
    await companies.do("company.rename", other, name=names[one])
    await companies.do("company.rename", one, name=names[other])
    after = list(companies.tokens.values())
    page = await asking.ask("company.list.v1", name_prefix=names[one], after=after)
    assert [company["company_id"] for company in page["result"]["items"]] == [other]
    page = await asking.ask("company.list.v1", name_prefix=names[other], after=after)
    assert [company["company_id"] for company in page["result"]["items"]] == [one]


async def test_who_holds_a_token_sees_the_command_at_every_replica(whole: Whole, client: Client) -> None:
    async def one_after_the_other(rounds: int) -> None:
        company = an_id()
        reply = await client.send(command("company.register", company, name=f"Name 0 {company}"))
        for number, reader in zip(range(1, rounds + 1), itertools.cycle(readers), strict=False):
            reply = await client.send(command("company.rename", company, name=f"Name {number} {company}"))
            assert isinstance(reply, Accepted), reply
            found = await reader.get(f"/companies/{company}", after=reply.token)
            assert (found["name"], found["version"]) == (f"Name {number} {company}", number + 1)
            asked = await reader.ask("company.activity.v1", company_id=company, limit=1, after=reply.token)
            assert asked["result"]["items"][0]["version"] == number + 1

    async with (
        raw(whole.amqp_url, whole.readers[0].url) as first,
        raw(whole.amqp_url, whole.readers[1].url) as second,
        raw(whole.amqp_url, whole.readers[2].url) as third,
    ):
        readers = [first, second, third]
        await asyncio.gather(*(one_after_the_other(25) for _ in range(8)))
