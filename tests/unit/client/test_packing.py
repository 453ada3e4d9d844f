"""Packing commands into messages: all of them, in order, within the limits, those of one company together."""

import uuid

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import from_json

from contracts.batching import array
from contracts.commands import Command
from contracts.making import command
from contracts.packing import pack
from contracts.values import MAX_MESSAGE_BYTES

LONG = "/" + "s" * 254

# Runs of commands about one company: how many, and how long a reason each of them carries: a hundred of the
# longest are more than one message can hold.
RUNS = st.lists(st.tuples(st.integers(1, 230), st.sampled_from([1, 500])), max_size=8)


def commands_of(runs: list[tuple[int, int]]) -> list[Command]:
    return [
        command("company.suspend", company, actor="a" * min(size, 255), reason="\N{GRINNING FACE}" * size, source=LONG)
        for count, size in runs
        for company in [uuid.uuid4()]
        for _ in range(count)
    ]


@settings(deadline=None, max_examples=30)
@given(RUNS)
def test_messages_hold_all_commands_in_order_within_the_limits(runs: list[tuple[int, int]]) -> None:
    commands = commands_of(runs)

    packs = list(pack(commands))

    assert [one for packed in packs for one in packed.ids] == [one.id for one in commands]
    for packed in packs:
        body = array(packed.objects)
        read = from_json(body)
        assert len(body) <= MAX_MESSAGE_BYTES
        assert 1 <= len(read) <= 100
        assert [one["id"] for one in read] == packed.ids
        assert {one["subject"] for one in read} == packed.companies


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 100), max_size=12))
def test_what_fits_into_one_message_is_not_torn(counts: list[int]) -> None:
    packs = list(pack(commands_of([(count, 1) for count in counts])))

    companies = [company for packed in packs for company in packed.companies]
    assert len(companies) == len(set(companies)) == len(counts)


def test_packing_reads_no_further_ahead_than_it_must() -> None:
    commands = iter(commands_of([(1_000, 1)]))

    next(pack(commands))

    assert len(list(commands)) >= 700


def test_a_message_is_full_by_bytes_before_it_is_full_by_count() -> None:
    first, *_ = pack(commands_of([(1, 500)] * 100))

    assert len(first.ids) < 100
    assert len(array(first.objects)) > MAX_MESSAGE_BYTES - 4_000
