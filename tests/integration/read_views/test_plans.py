"""How MongoDB runs every list query: by an index, in its order, never by reading a collection."""

from collections.abc import Iterator
from typing import Any

from read_service.views.companies import LATEST
from tests.integration.read_views import given
from tests.integration.read_views.reader import Reader
from tests.integration.read_views.watching import SENT, of_views, plain

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
    """Enough for second pages, of which a filter leaves out most."""
    companies = [given.company(f"Acme {number}", status="closed" if number % 10 else "active") for number in range(300)]
    users = [
        given.user(ACME, f"{number:03}@x.example", role="member" if number % 10 else "owner") for number in range(99)
    ]
    same = [given.user(one["_id"], "ada@acme.example") for one in companies]
    await reader.given(
        companies=[given.company("Acme", _id=ACME, version=300), *companies],
        users=[*users, *same],
        activity=[given.activity(ACME, version) for version in range(1, 301)],
    )


def found_in(explained: Any, key: str) -> Iterator[Any]:
    """Every value of this key in the answer to explain, but for plans that were rejected."""
    if isinstance(explained, dict):
        for name, value in explained.items():
            if name == key:
                yield value
            elif name != "rejectedPlans":
                yield from found_in(value, key)
    elif isinstance(explained, list):
        for one in explained:
            yield from found_in(one, key)


async def explained(reader: Reader, name: str, parameters: dict[str, Any]) -> list[Any]:
    """How MongoDB runs all reads that the query makes, its second page included."""
    with SENT.reads(reader.database.name) as seen:
        reply = await reader.bus.ask(name, **parameters, **({"limit": 2} if _has_pages(name) else {}))
        if cursor := (reply.get("result") or {}).get("next_cursor"):
            await reader.bus.ask(name, **parameters, limit=2, cursor=cursor)
    reads = [plain(command) for command in of_views(seen)]
    assert len(reads) >= (2 if _has_pages(name) else 1)
    return [await reader.database.command("explain", read, verbosity="executionStats") for read in reads]


def _has_pages(name: str) -> bool:
    return name not in ("company.dashboard.v1", "command.get.v1")


async def test_every_list_is_read_from_an_index_in_its_order_and_no_further_than_its_page(reader: Reader) -> None:
    await given_plenty(reader)

    for name, parameters in _LISTS:
        for plan in await explained(reader, name, parameters):
            stages = set(found_in(plan, "stage"))
            assert not stages & {"COLLSCAN", "SORT"}, (name, parameters, stages)
            assert stages & {"IXSCAN", "IDHACK", "EOF"}, (name, parameters, stages)
            assert max(found_in(plan, "totalDocsExamined")) <= LATEST, (name, parameters, plan)


async def test_a_prefix_in_another_order_than_by_name_is_sorted_but_still_found_by_an_index(reader: Reader) -> None:
    await given_plenty(reader)

    for parameters in _SORTED_IN_MEMORY:
        for plan in await explained(reader, "company.list.v1", parameters):
            assert "COLLSCAN" not in set(found_in(plan, "stage")), (parameters, plan)


async def test_the_check_sees_a_collection_that_is_read_as_a_whole(reader: Reader) -> None:
    await given_plenty(reader)
    read = {"find": "companies.g1", "filter": {"seat_limit": 5}, "sort": {"seat_limit": 1}}

    plan = await reader.database.command("explain", read, verbosity="executionStats")

    assert set(found_in(plan, "stage")) >= {"COLLSCAN", "SORT"}
    assert max(found_in(plan, "totalDocsExamined")) == 301
