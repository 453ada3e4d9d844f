"""Cursors and the conditions of pages, as pure functions, against what sorting in Python says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.queries import CompanyActivity, CompanyList, CompanyNames, Page, UserFind, UserList
from contracts.values import folded
from read_service.views.cursors import Place, cursor_after, place_in
from read_service.views.documents import Document
from read_service.views.pages import beyond, page, starting_with
from read_service.views.refusals import InvalidParameter

COMPANY = "0192f3a4-1111-7abc-8def-0123456789ab"
OTHER = "0192f3a4-2222-7abc-8def-0123456789ab"
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
LISTS: list[Page] = [
    CompanyList(),
    CompanyList(sort="-name"),
    CompanyList(status="active"),
    CompanyList(name_prefix="a"),
    CompanyNames(),
    CompanyNames(status="active"),
    CompanyActivity(company_id=COMPANY),
    CompanyActivity(company_id=OTHER),
    UserList(company_id=COMPANY),
    UserList(company_id=COMPANY, role="owner"),
    UserFind(email="a@x.example"),
    UserFind(email="b@x.example"),
]


def continued(query: Page, cursor: str) -> Page:
    """The same query with this cursor."""
    return query.model_copy(update={"cursor": cursor, "limit": 7, "wait_ms": 1})


@given(query=st.sampled_from(LISTS), key=TEXT | st.integers(0, 2**31 - 1) | st.none(), identity=TEXT)
def test_a_cursor_brings_back_the_place_it_was_made_of(query: Page, key: str | int | None, identity: str) -> None:
    place = Place(key, identity)

    assert place_in(continued(query, cursor_after(query, place))) == place


@pytest.mark.parametrize("query", LISTS, ids=repr)
def test_a_cursor_fits_no_other_list(query: Page) -> None:
    cursor = cursor_after(query, Place("key", COMPANY))

    for other in LISTS:
        if other is not query:
            with pytest.raises(InvalidParameter):
                place_in(continued(other, cursor))


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_whatever_is_no_cursor_is_refused_as_such(made_up: str) -> None:
    with pytest.raises(InvalidParameter):
        place_in(continued(CompanyList(), made_up))


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=200))
def test_the_cursor_of_any_name_is_short_enough_to_come_back(name: str) -> None:
    query = CompanyNames()

    assert len(cursor_after(query, Place(folded(name), COMPANY))) <= 1024


def matches(document: Document, condition: Document) -> bool:
    """Whether a document fulfils a condition, for the operators that pages use, as MongoDB compares."""
    return all(
        any(matches(document, one) for one in wanted) if field == "$or" else _holds(document[field], wanted)
        for field, wanted in condition.items()
    )


def _holds(value: str | None, wanted: Document) -> bool:
    def compare(operator: str, bound: str | None) -> bool:
        if operator == "$eq":
            return value == bound
        if value is None or bound is None:
            return False  # a comparison with null matches nothing of another type
        return {"$gt": value > bound, "$lt": value < bound, "$gte": value >= bound, "$lte": value <= bound}[operator]

    return all(compare(operator, bound) for operator, bound in wanted.items())


ROWS = st.lists(
    st.fixed_dictionaries({"email": st.none() | st.sampled_from(["", "a", "b", "é", "\U0001f600"])}), max_size=12
).map(lambda rows: [{**row, "_id": f"{number:02}"} for number, row in enumerate(rows)])


@given(rows=ROWS, limit=st.integers(1, 4), direction=st.sampled_from([1, -1]))
@settings(max_examples=200)
def test_pages_after_each_other_are_the_whole_sorted_list(rows: list[Document], limit: int, direction: int) -> None:
    rows = [row for row in rows if direction > 0 or row["email"] is not None]  # no list with nulls runs backwards
    rows = [row for row in rows if row["email"] != ""]
    in_order = sorted(
        rows, key=lambda row: (row["email"] is not None, row["email"] or "", row["_id"]), reverse=direction < 0
    )
    query: Page = CompanyNames(limit=limit)
    shown: list[Document] = []

    for _ in range(len(rows) + 1):
        condition = beyond(place_in(query), "email", "_id", direction)
        found = [row for row in in_order if matches(row, condition)][: limit + 1]
        result = page(query, found, lambda row: row, lambda last: Place(last["email"], last["_id"]))
        shown += result.items
        if result.next_cursor is None:
            break
        query = query.model_copy(update={"cursor": result.next_cursor})

    assert shown == in_order


@given(prefix=TEXT.filter(bool), name=TEXT)
@settings(max_examples=300)
def test_the_range_of_a_prefix_holds_what_begins_with_it_and_nothing_else(prefix: str, name: str) -> None:
    for candidate in (name, prefix + name, prefix):
        assert matches({"name": candidate}, starting_with("name", prefix)) == candidate.startswith(prefix)


@pytest.mark.parametrize("prefix", ["\U0010ffff", "a\U0010ffff", "\ud7ff", "\uffff", "a"])
def test_the_range_holds_at_the_ends_of_the_alphabet(prefix: str) -> None:
    condition = starting_with("name", prefix)

    for candidate in (prefix, prefix + "z", prefix + "\U0010ffff", "\ue000", "b", "\U0010ffff\U0010ffff", "a"):
        assert matches({"name": candidate}, condition) == candidate.startswith(prefix)
        assert "\ud800" <= candidate[0] <= "\udfff" or condition["name"].get("$lt", "").encode() is not None
