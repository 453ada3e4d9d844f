"""Many writes brought down to one a document have the effect that they have one after the other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from read_service.projections.writes import Add, Change, Count, Create, Put, Remove, Write, Writes
from tests.unit.read_projections.shelf import Shelf, coalesced

COLLECTIONS, KEYS = st.sampled_from(["companies", "users"]), st.sampled_from("ab")
FIELDS = st.dictionaries(st.sampled_from("xyz"), st.integers(0, 9), max_size=3)
WRITES: st.SearchStrategy[Write] = st.one_of(
    st.builds(Put, COLLECTIONS, KEYS, FIELDS),
    st.builds(Create, COLLECTIONS, KEYS, FIELDS),
    st.builds(Change, COLLECTIONS, KEYS, FIELDS),
    st.builds(Remove, COLLECTIONS, KEYS),
    st.builds(Count, st.sampled_from(["companies.active", "users.active.owner"]), st.integers(-2, 2)),
)


@given(st.lists(WRITES, max_size=4), st.lists(WRITES, max_size=12), st.integers(0, 3))
def test_together_they_do_what_they_do_in_turn(before: list[Write], writes: list[Write], added: int) -> None:
    new: list[Write] = [Add("activity", str(number), {}) for number in range(added)]
    in_turn, together = Shelf(), Shelf()
    in_turn.write([*before, *writes, *new])
    together.write([*before, *coalesced(Writes([*writes, *new]))])
    assert together.collections == in_turn.collections
    assert {k: v for k, v in together.counts.items() if v} == {k: v for k, v in in_turn.counts.items() if v}


@given(st.lists(WRITES, max_size=12))
def test_each_document_is_written_once_at_most(writes: list[Write]) -> None:
    documents = [write[:2] for of_collection in Writes(writes).by_collection().values() for write in of_collection]
    assert len(documents) == len(set(documents))


@given(st.lists(WRITES, max_size=4), st.lists(WRITES, max_size=12))
def test_what_is_left_as_new_is_new_where_each_of_them_was(before: list[Write], writes: list[Write]) -> None:
    shelf, told = Shelf(), Writes()
    shelf.write(before)
    there = {name: set(documents) for name, documents in shelf.collections.items()}
    for write in writes:
        is_there = not isinstance(write, Count) and write.key in shelf.collections.get(write.collection, {})
        told.append(Put(*write) if isinstance(write, Create) and is_there else write)
        shelf.write([write])
    left = [write for write in coalesced(told) if isinstance(write, Create)]
    assert [write for write in left if write.key in there.get(write.collection, ())] == []


def test_a_document_that_is_made_and_changed_is_still_new() -> None:
    made = Create("users", "a", {"x": 1})
    (left,) = coalesced(Writes([made, Change("users", "a", {"x": 2})]))
    assert (left, type(left)) == (("users", "a", {"x": 2}), Create)


@pytest.mark.parametrize("before", [Remove("users", "a"), Put("users", "a", {}), Change("users", "a", {"x": 1})])
def test_a_document_that_is_made_anew_takes_the_place_of_the_one_that_was_there(before: Write) -> None:
    (left,) = coalesced(Writes([before, Create("users", "a", {"x": 2})]))
    assert (left, type(left)) == (("users", "a", {"x": 2}), Put)
