"""Reads a generation's documents back in the form in which histories are folded."""

from collections.abc import Mapping
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase

from contracts.values import folded
from tests.support.histories import Folded

Database = AsyncIOMotorDatabase[dict[str, Any]]


async def folded_documents(database: Database, generation: int = 1) -> Folded:
    """What the documents hold, companies, users and activity."""
    found = Folded()
    async for company in database[f"companies.g{generation}"].find({}):
        company_id, name_key = company.pop("_id"), company.pop("name_key")
        assert name_key == folded(company["name"])
        found.companies[company_id] = company
    async for user in database[f"users.g{generation}"].find({}):
        place = user.pop("company_id"), user.pop("user_id")
        assert user.pop("_id") == "/".join(place)
        found.users[place] = user
    async for entry in database[f"activity.g{generation}"].find({}):
        assert entry.pop("_id") == f"{entry['company_id']}/{entry['version']:010}"
        found.activity[entry.pop("company_id"), entry.pop("version")] = entry
    return found


async def counted_documents(database: Database, generation: int = 1) -> dict[str, int]:
    """The statistics, all slots together, by path; without those at zero."""
    counts: dict[str, int] = {}
    async for slot in database[f"statistics.g{generation}"].find({}):
        for path, count in _paths({name: value for name, value in slot.items() if name != "_id"}):
            counts[path] = counts.get(path, 0) + count
    return {path: count for path, count in counts.items() if count}


async def positions(database: Database, generation: int = 1) -> dict[str, int]:
    """The position of each company."""
    return {one["_id"]: one["version"] async for one in database[f"positions.g{generation}"].find({})}


async def assert_exact(database: Database, expected: Folded, generation: int = 1) -> None:
    """Documents, statistics and positions are exactly these, and nothing is left in `ahead`. Raises AssertionError."""
    found = await folded_documents(database, generation)
    assert _differences(await positions(database, generation), expected.positions) == {}
    assert _differences(found.companies, expected.companies) == {}
    assert _differences(found.users, expected.users) == {}
    assert _differences(found.activity, expected.activity) == {}
    assert await counted_documents(database, generation) == expected.statistics
    assert await database[f"ahead.g{generation}"].count_documents({}) == 0
    assert await database[f"positions.g{generation}"].count_documents({"early": True}) == 0
    assert await database[f"positions.g{generation}"].count_documents({"skipped": {"$exists": True}}) == 0


def _differences(found: Mapping[Any, Any], expected: Mapping[Any, Any]) -> dict[Any, tuple[Any, Any]]:
    """The first entries that differ, as found and as expected: whole collections would be unreadable."""
    keys = [key for key in {*found, *expected} if found.get(key) != expected.get(key)]
    return {key: (found.get(key), expected.get(key)) for key in keys[:3]}


def _paths(tree: dict[str, Any], above: str = "") -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for name, value in tree.items():
        found += _paths(value, f"{above}{name}.") if isinstance(value, dict) else [(above + name, value)]
    return found
