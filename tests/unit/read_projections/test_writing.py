"""A plan as the server's commands: what is new is inserted, unless that was in vain."""

import json
from typing import Any

import pytest

from read_service.adapters.writing import commands
from read_service.projections.reading import Work, read_event_message
from tests.support.histories import Event, histories
from tests.unit.read_projections.shelf import Shelf

LOG = histories(1, companies=1, events=12)


def work(event: Event) -> Work:
    """What a message of this event holds."""
    return read_event_message(json.dumps([event]).encode(), event["type"])


def verbs(shelf: Shelf, works: list[Work], *, wary: bool = False) -> dict[str, list[str]]:
    """By collection, the verbs of the commands that one transaction sends."""
    found: dict[str, list[str]] = {}
    for command in commands(shelf.transact(works), 1, 0, wary=wary):
        verb, name = next(iter(command.items()))
        found.setdefault(name.removesuffix(".g1"), []).append(verb)
    return found


@pytest.mark.parametrize(("wary", "verb"), [(False, "insert"), (True, "update")])
def test_what_is_new_is_inserted_or_written_over_what_may_be_there(*, wary: bool, verb: str) -> None:
    first = verbs(Shelf(), [work(LOG[0])], wary=wary)
    assert first == {"positions": [verb], "statistics": ["update"], "companies": [verb], "activity": ["insert"]}


@pytest.mark.parametrize(("new", "expected"), [(19, ["update"]), (20, ["insert", "update"])])
def test_few_that_are_new_are_no_command_of_their_own(new: int, expected: list[str]) -> None:
    shelf = Shelf()
    shelf.transact([work(LOG[0])])
    made = histories(2, companies=new, events=new)
    assert verbs(shelf, [work(LOG[1]), *map(work, made)])["positions"] == expected


def test_a_position_that_is_there_changes_its_fields_alone() -> None:
    shelf = Shelf()
    shelf.transact([work(LOG[0])])
    made: dict[str, Any] = next(iter(commands(shelf.transact([work(LOG[1])]), 1, 0)))
    (update,) = made["updates"]
    assert update["q"] == {"_id": LOG[0]["subject"]}
    assert sorted(update["u"]) == ["$set", "$unset"]
    assert update["u"]["$set"]["version"] == 2
    assert sorted(update["u"]["$unset"]) == ["early", "skipped"]
