"""The fold that documents are compared with says the same as another one, and shares nothing with the projections."""

import ast
from pathlib import Path
from typing import Any

import pytest

from contracts.events import EVENTS, CompanyEvent
from read_service.verification import comparing, fold
from read_service.verification.comparing import Held, differences
from read_service.verification.fold import SHOWN, Fold
from tests.support.histories import Folded, histories

ADDED = {"user_id": "u", "email": None, "full_name": None, "role": "owner"}


def test_it_says_the_same_as_the_fold_of_the_tests() -> None:
    log = histories(31, 20, 800)
    expected = Folded.of(log)
    folds: dict[str, Fold] = {}
    for event in log:
        folds.setdefault(event["subject"], Fold(event["subject"])).add(event)
    names = ("name", "status", "status_reason", "seat_limit", "users", "version", "registered_at", "updated_at")
    found = {name: {key: (one.company or {})[key] for key in names} for name, one in folds.items()}
    assert found == expected.companies
    assert {tuple(key.split("/")) for one in folds.values() for key in one.users} == set(expected.users)


def test_it_knows_every_event_of_a_company_and_every_field_of_it() -> None:
    events = {kind: event for kind, event in EVENTS.items() if issubclass(event, CompanyEvent)}
    fields = {kind: tuple(event.model_fields["data"].annotation.model_fields) for kind, event in events.items()}  # type: ignore[union-attr]
    assert fields == SHOWN


def test_it_imports_nothing_of_the_projections() -> None:
    for module in (fold, comparing):
        tree = ast.parse(Path(str(module.__file__)).read_text())
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not [name for name in imported if name and "projections" in name]


@pytest.mark.parametrize(
    "plant",
    [{"type": "user.praised.v1"}, {"data": {}}, {"data": None}, {"data": {**ADDED, "role": "boss"}}],
    ids=lambda plant: str(plant)[:30],
)
def test_an_event_that_cannot_be_read_is_a_difference_whatever_the_documents_hold(plant: dict[str, Any]) -> None:
    (event,) = histories(31, 1, 1)
    fold = Fold("a")
    fold.add({**event, "type": "user.added.v1", "data": ADDED, "version": 1} | plant)
    kind = plant.get("type", "user.added.v1")
    held = Held(position={"version": 1, "status": None, **fold.counts}, users=fold.users)
    assert [one.split(": ")[0] for one in differences(fold, held)] == [f"version 1, {kind}, cannot be read"]


def test_many_differences_of_one_company_are_cut_short() -> None:
    held = Held(users={str(number): {} for number in range(100)})
    assert differences(Fold("a"), held)[-1] == "and more"
