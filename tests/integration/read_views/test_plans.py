"""How MongoDB runs every list query: by an index, in its order, never by reading a collection."""

from collections.abc import Iterator
from typing import Any

from tests.integration.read_views import given
from tests.integration.read_views.reader import Reader
from tests.integration.read_views.watching import SENT, plain

ACME = given.new_id()
_SORTS = ("name", "-name", "registered_at", "-registered_at", "updated_at", "-updated_at")
_SORTED_IN_MEMORY = [
    {"name_prefix": "ac", "sort": sort, **status} for sort in _SORTS[2:] for status in ({}, {"status": "active"})
]
_LISTS: list[tuple[str, dict[str, Any]]] = [
    *(("company.list.v1", {"sort": sort, **more}) for sort in _SORTS for more in ({}, {"status": "active"})),
    *(("company.list.v1", {"sort": sort, "name_prefix": "ac"}) for sort in _SORTS[:2]),
    *(("company.list.v1", {"sort": sort, "name_prefix": "ac", "status": "active"}) for sort in _SORTS[:2]),
    ("company.names.v1", {}),
    ("company.names.v1", {"status": "active"}),
    ("company.dashboard.v1", {"company_id": ACME}),
    ("company.activity.v1", {"company_id": ACME}),
    ("user.list.v1", {"company_id": ACME}),
    ("user.list.v1", {"company_id": ACME, "role": "owner"}),
    ("user.find.v1", {"email": "ada@acme.example"}),
    ("command.get.v1", {"command_id": ACME}),
]


async def given_plenty(reader: Reader) -> None:
    """Enough for second pages, and for a planner that prefers to read everything where there is little."""
    companies = [given.company(f"Acme {number}", status="active") for number in range(300)]
    users = [given.user(ACME, f"{number}@x.example", role="owner") for number in range(100)]
    same = [given.user(one["_id"], "ada@acme.example") for one in companies]
    await reader.given(
        companies=[given.company("Acme", _id=ACME, version=300), *companies],
        users=[*users, *same],
        activity=[given.activity(ACME, version) for version in range(1, 301)],
    )


def stages(found: Any) -> Iterator[str]:
    """Every stage of every winning plan in the answer to explain."""
    if isinstance(found, dict):
        if "stage" in found:
            yield found["stage"]
        for key, value in found.items():
            if key != "rejectedPlans":
                yield from stages(value)
    elif isinstance(found, list):
        for one in found:
            yield from stages(one)


async def stages_of(reader: Reader, name: str, parameters: dict[str, Any]) -> set[str]:
    """The stages of all reads that the query makes, its second page included."""
    with SENT.reads(reader.database.name) as seen:
        reply = await reader.bus.ask(name, **parameters, **({"limit": 2} if _has_pages(name) else {}))
        if cursor := (reply.get("result") or {}).get("next_cursor"):
            await reader.bus.ask(name, **parameters, limit=2, cursor=cursor)
    reads = [plain(command) for command in seen if "generations" not in str(command.get("find"))]
    assert len(reads) >= (2 if _has_pages(name) else 1)
    found: set[str] = set()
    for read in reads:
        found |= set(stages(await reader.database.command("explain", read, verbosity="queryPlanner")))
    return found


def _has_pages(name: str) -> bool:
    return name not in ("company.dashboard.v1", "command.get.v1")


async def test_every_list_is_read_from_an_index_in_its_order(reader: Reader) -> None:
    await given_plenty(reader)

    for name, parameters in _LISTS:
        found = await stages_of(reader, name, parameters)
        assert not found & {"COLLSCAN", "SORT"}, (name, parameters, found)
        assert found & {"IXSCAN", "IDHACK"}, (name, parameters, found)


async def test_names_with_a_prefix_in_another_order_are_the_only_ones_sorted_and_found_by_index(reader: Reader) -> None:
    await given_plenty(reader)

    for parameters in _SORTED_IN_MEMORY:
        found = await stages_of(reader, "company.list.v1", parameters)
        assert "COLLSCAN" not in found, (parameters, found)


async def test_the_check_sees_a_collection_that_is_read_as_a_whole(reader: Reader) -> None:
    await given_plenty(reader)
    read = {"find": "companies.g1", "filter": {"seat_limit": 5}, "sort": {"seat_limit": 1}}

    found = set(stages(await reader.database.command("explain", read, verbosity="queryPlanner")))

    assert found >= {"COLLSCAN", "SORT"}
