"""Pages over real documents: in order, whole while the data changes, and only with the cursor of the same list."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.read_views import given
from tests.integration.read_views.reader import Document, Reader

Between = Callable[[int], Any]
SORTS = ("name", "-name", "registered_at", "-registered_at", "updated_at", "-updated_at")


async def pages(reader: Reader, name: str, limit: int, **parameters: Any) -> list[list[Document]]:
    """All pages, one after the other."""
    found, cursor = [], None
    for _ in range(100):
        reply = await reader.bus.ask(name, limit=limit, **parameters, **({"cursor": cursor} if cursor else {}))
        assert reply["status"] == "ok", reply
        found.append(reply["result"]["items"])
        cursor = reply["result"]["next_cursor"]
        if cursor is None:
            return found
    raise AssertionError("the pages do not end")


def many_companies(count: int = 41) -> list[Document]:
    """Companies of which many share a name key and a time, so that ties span pages."""
    chance = random.Random(4)
    return [
        given.company(
            chance.choice(["Acme", "ACME", "acme ", "Zürich", "Ära", "Beta", "日本", "😀 smile"]),
            status=chance.choice(["registered", "active", "suspended", "closed"]),
            registered_at=f"2026-11-23T10:00:0{chance.randrange(4)}Z",
            updated_at=f"2026-11-24T10:00:0{chance.randrange(3)}Z",
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("status", [None, "active"])
async def test_companies_come_once_each_in_the_order_asked_for(reader: Reader, sort: str, status: str | None) -> None:
    companies = many_companies()
    await reader.given(companies=companies)
    key = {"name": "name_key"}.get(sort.lstrip("-"), sort.lstrip("-"))
    wanted = [one for one in companies if status in (None, one["status"])]
    in_order = sorted(wanted, key=lambda one: (one[key], one["_id"]), reverse=sort.startswith("-"))

    found = await pages(reader, "company.list.v1", 7, sort=sort, **({"status": status} if status else {}))

    assert [one["company_id"] for page in found for one in page] == [one["_id"] for one in in_order]
    assert {len(page) for page in found[:-1]} == {7}


async def test_names_come_by_name_and_with_a_status_only_those(reader: Reader) -> None:
    companies = many_companies()
    await reader.given(companies=companies)
    in_order = sorted(companies, key=lambda one: (one["name_key"], one["_id"]))

    everything = await pages(reader, "company.names.v1", 10)
    closed = await pages(reader, "company.names.v1", 10, status="closed")

    assert [one["company_id"] for page in everything for one in page] == [one["_id"] for one in in_order]
    assert [one["company_id"] for page in closed for one in page] == [
        one["_id"] for one in in_order if one["status"] == "closed"
    ]


async def test_a_last_page_that_is_full_has_no_cursor(reader: Reader) -> None:
    await reader.given(companies=many_companies(20))

    assert [len(page) for page in await pages(reader, "company.list.v1", 10)] == [10, 10]


@pytest.mark.parametrize("role", [None, "owner"])
async def test_users_come_by_email_those_without_one_first(reader: Reader, role: str | None) -> None:
    acme, other = given.new_id(), given.new_id()
    emails = [None, None, None, "a@x.example", "b@x.example", "b@x.example", "é@x.example", "😀@x.example"]
    users = [given.user(acme, email, role=one) for one in ("owner", "member") for email in emails]
    await reader.given(users=[*users, given.user(other, "a@x.example", role="owner")])
    wanted = [one for one in users if role in (None, one["role"])]
    in_order = sorted(wanted, key=lambda one: (one["email"] or "", one["user_id"]))

    found = await pages(reader, "user.list.v1", 2, company_id=acme, **({"role": role} if role else {}))

    assert [one["user_id"] for page in found for one in page] == [one["user_id"] for one in in_order]


async def test_memberships_and_activity_have_pages_too(reader: Reader) -> None:
    companies = [given.company(f"Company {number}") for number in range(5)]
    users = [given.user(one["_id"], "ada@acme.example") for one in companies]
    entries = [given.activity(companies[0]["_id"], version) for version in range(1, 8)]
    await reader.given(companies=companies, users=users, activity=entries)

    found = await pages(reader, "user.find.v1", 2, email="ada@acme.example")
    happened = await pages(reader, "company.activity.v1", 3, company_id=companies[0]["_id"])

    assert [one["company_id"] for page in found for one in page] == sorted(one["_id"] for one in companies)
    assert [[one["version"] for one in page] for page in happened] == [[7, 6, 5], [4, 3, 2], [1]]


@pytest.mark.parametrize("sort", SORTS)
async def test_what_stays_is_shown_once_while_everything_else_changes(reader: Reader, sort: str) -> None:
    companies = many_companies(60)
    await reader.given(companies=companies)
    chance = random.Random(sort)
    chance.shuffle(companies)
    staying, going, changing = companies[:40], companies[40:50], companies[50:]
    shown: list[str] = []
    cursor: str | None = None

    while True:
        reply = await reader.bus.ask("company.list.v1", sort=sort, limit=9, **({"cursor": cursor} if cursor else {}))
        shown += [one["company_id"] for one in reply["result"]["items"]]
        cursor = reply["result"]["next_cursor"]
        if cursor is None:
            break
        await reader.put(
            "companies", given.company(chance.choice(["Acme", "Aa", "Zz"]), updated_at="2026-11-24T10:00:01Z")
        )
        if going:
            await reader.remove("companies", going.pop()["_id"])
        if changing:
            renamed = changing.pop()
            await reader.put("companies", {**renamed, "name": "Beta", "name_key": "beta", "status_reason": "renamed"})

    counted = {one["_id"]: shown.count(one["_id"]) for one in staying}
    assert counted == dict.fromkeys(counted, 1)


async def test_a_cursor_is_refused_by_every_other_list(reader: Reader) -> None:
    acme = given.company()
    users = [given.user(acme["_id"], f"{number}@x.example", role="owner") for number in range(3)]
    await reader.given(companies=[acme, given.company("Beta")], users=users)
    of_names = (await reader.bus.ask("company.names.v1", limit=1))["result"]["next_cursor"]
    of_users = (await reader.bus.ask("user.list.v1", limit=1, company_id=acme["_id"]))["result"]["next_cursor"]

    refused = [
        await reader.bus.ask("company.list.v1", cursor=of_names),
        await reader.bus.ask("company.names.v1", cursor=of_names, status="active"),
        await reader.bus.ask("user.list.v1", cursor=of_users, company_id=acme["_id"], role="owner"),
        await reader.bus.ask("user.list.v1", cursor=of_users, company_id=given.new_id()),
        await reader.bus.ask("company.names.v1", cursor=of_users),
    ]

    assert [(reply["status"], reply["errors"][0]["type"]) for reply in refused] == [("invalid", "cursor")] * 5
    # The size of a page is no part of the list.
    assert (await reader.bus.ask("company.names.v1", cursor=of_names, limit=200))["status"] == "ok"


@pytest.mark.parametrize("cursor", ["x", "====", "cA", "cFtd", "eg", "é", "A" * 1024, "cFsiYSIsIHt9LCAxXQ"])
async def test_a_made_up_cursor_is_refused(reader: Reader, cursor: str) -> None:
    over_bus = await reader.bus.ask("company.list.v1", cursor=cursor)
    over_http = await reader.get("/companies", cursor=cursor)

    assert over_bus["status"] == "invalid"
    assert [over_http.status_code, over_http.json()["errors"]] == [422, over_bus["errors"]]


async def test_the_longest_name_that_folding_makes_fits_into_a_cursor(reader: Reader) -> None:
    await reader.given(companies=[given.company("\ufdfa" * 200), given.company("\ufdfa" * 200)])

    assert [len(page) for page in await pages(reader, "company.list.v1", 1)] == [1, 1]
