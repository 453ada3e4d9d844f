"""Every query, over HTTP and over the bus, against documents in a real MongoDB: the same answer both ways."""

import asyncio
import random
from typing import Any

import pytest

from contracts.queries import QUERIES
from read_service.entrypoints.http import ROUTES
from tests.integration.read_views import given
from tests.integration.read_views.reader import Reader
from tests.integration.read_views.samples import documents_of, sample

PATHS = {name: path for path, name in ROUTES.items()}


async def both(reader: Reader, name: str, **parameters: Any) -> Any:
    """The result, after looking that HTTP and the bus say the same."""
    reply = await reader.bus.ask(name, **parameters)
    in_query = {key: value for key, value in parameters.items() if f"{{{key}}}" not in PATHS[name]}
    response = await reader.get(PATHS[name].format(**parameters), **in_query)
    if reply["status"] == "not_found":
        assert response.status_code == 404
        return None
    assert reply["status"] == "ok", reply
    assert response.status_code == 200, response.text
    assert response.json() == reply["result"]
    return reply["result"]


@pytest.mark.parametrize("name", QUERIES)
async def test_the_golden_answer_is_what_is_answered(reader: Reader, name: str) -> None:
    request, reply = sample(f"{name}.request"), sample(f"{name}.reply")
    await reader.given(**documents_of(name))
    # Its tokens and its cursor are examples only: opaque, and of companies that are not there.
    asked = {key: value for key, value in request.items() if key not in ("after", "cursor")}

    found = await both(reader, name, **asked)

    assert {**found, "next_cursor": None} == {**reply["result"], "next_cursor": None}


async def test_what_is_not_there_is_not_found(reader: Reader) -> None:
    await reader.given()
    missing = given.new_id()

    for name in ("company.get.v1", "company.dashboard.v1", "company.activity.v1", "user.list.v1"):
        assert await both(reader, name, company_id=missing) is None
    assert await both(reader, "command.get.v1", command_id=missing) is None
    assert await both(reader, "user.find.v1", email="nobody@acme.example") == {"items": [], "next_cursor": None}


async def test_a_company_of_which_only_early_events_came_is_not_found(reader: Reader) -> None:
    early = given.position(given.new_id(), 0, early=True)
    await reader.given(positions=[early])

    for name in ("company.get.v1", "company.dashboard.v1", "company.activity.v1", "user.list.v1"):
        assert await both(reader, name, company_id=early["_id"]) is None


async def test_a_known_company_without_users_has_an_empty_page_of_them(reader: Reader) -> None:
    acme = given.company()
    await reader.given(companies=[acme], positions=[given.position(acme["_id"], 1)])

    assert await both(reader, "user.list.v1", company_id=acme["_id"]) == {"items": [], "next_cursor": None}


async def test_the_dashboard_shows_the_newest_ten_up_to_the_companys_version(reader: Reader) -> None:
    acme = given.company(version=12, seat_limit=3, users={"owner": 2, "admin": 1, "member": 1})
    await reader.given(companies=[acme], activity=[given.activity(acme["_id"], version) for version in range(1, 14)])

    found = await both(reader, "company.dashboard.v1", company_id=acme["_id"])

    assert [one["version"] for one in found["latest_activity"]] == list(range(12, 2, -1))
    assert found["seats_left"] == 0
    assert found["users"] == found["company"]["users"] == {"owner": 2, "admin": 1, "member": 1}


async def test_a_command_is_accepted_with_its_events_rejected_with_its_reason_or_unchanged(reader: Reader) -> None:
    rejected, unchanged = given.outcome("rejected"), given.outcome("unchanged")
    await reader.given(outcomes=[rejected, unchanged])

    refused = await both(reader, "command.get.v1", command_id=rejected["_id"])
    same = await both(reader, "command.get.v1", command_id=unchanged["_id"])

    assert refused == {
        "status": "rejected",
        "command_id": rejected["_id"],
        "company_id": rejected["company_id"],
        "code": "name_taken",
        "message": "Another company has this name.",
        "details": {"name": "Acme"},
    }
    assert same == {
        "status": "accepted",
        "command_id": unchanged["_id"],
        "company_id": unchanged["company_id"],
        "events": [],
    }


async def test_statistics_are_the_sum_of_all_slots(reader: Reader) -> None:
    await reader.given(
        statistics=[
            {"_id": 0, "companies": {"active": 3, "closed": 1}, "users": {"active": {"owner": 4, "member": 10}}},
            {"_id": 5, "companies": {"active": -1, "suspended": 1}, "users": {"active": {"owner": -1}}},
            {"_id": 9, "users": {"suspended": {"owner": 1}}},
        ]
    )

    found = await both(reader, "statistics.get.v1")

    assert found["companies"] == {"registered": 0, "active": 2, "suspended": 1, "closed": 1}
    assert found["users"] == {"owner": 4, "admin": 0, "member": 10}
    assert found["users_by_company_status"]["suspended"] == {"owner": 1, "admin": 0, "member": 0}
    assert found["totals"] == {"companies": 4, "users": 14}


async def test_a_person_is_found_in_all_companies_whatever_the_case_of_the_email(reader: Reader) -> None:
    companies = [given.company(f"Company {number}") for number in range(3)]
    users = [given.user(one["_id"], "ada@acme.example") for one in companies]
    await reader.given(companies=companies, users=[*users, given.user(companies[0]["_id"], "bob@acme.example")])

    found = await both(reader, "user.find.v1", email="  ADA@acme.example ")

    assert [one["company_id"] for one in found["items"]] == sorted(one["_id"] for one in companies)
    assert {one["company_name"] for one in found["items"]} == {"Company 0", "Company 1", "Company 2"}


async def test_an_erased_person_is_shown_without_email_and_name(reader: Reader) -> None:
    acme = given.company()
    await reader.given(companies=[acme], users=[given.user(acme["_id"], None, full_name=None)])

    found = await both(reader, "user.list.v1", company_id=acme["_id"])

    assert [(one["email"], one["full_name"]) for one in found["items"]] == [(None, None)]


async def test_statistics_are_read_at_one_moment_while_counters_move_between_slots(reader: Reader) -> None:
    # More than one batch of a cursor, so that a read without a snapshot would see two moments.
    slots = [{"_id": number, "companies": {"registered": 10, "active": 0}} for number in range(300)]
    await reader.given(statistics=slots)
    chance = random.Random(1)

    async def move() -> None:
        one, other = chance.sample(range(300), 2)
        slots = reader.database["statistics.g1"]
        async with reader.database.client.start_session() as session, await session.start_transaction():
            await slots.update_one({"_id": one}, {"$inc": {"companies.registered": -1}}, session=session)
            await slots.update_one({"_id": other}, {"$inc": {"companies.active": 1}}, session=session)

    async def look() -> set[int]:
        return {(await reader.bus.ask("statistics.get.v1"))["result"]["totals"]["companies"] for _ in range(40)}

    looking = [asyncio.create_task(look()) for _ in range(4)]
    for _ in range(40):
        await move()

    seen = set[int]().union(*await asyncio.gather(*looking))
    assert seen == {3000}
    assert (await reader.bus.ask("statistics.get.v1"))["result"]["companies"]["active"] == 40
