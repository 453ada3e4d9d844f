"""The fold that documents are compared with says the same as another one, and shares nothing with the projections."""

import ast
from pathlib import Path

from contracts.events import EVENTS, CompanyEvent
from read_service.verification import comparing, fold
from read_service.verification.comparing import Held, differences
from read_service.verification.fold import SHOWN, Fold
from tests.support.histories import Folded, histories


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


def test_many_differences_of_one_company_are_cut_short() -> None:
    held = Held(users={str(number): {} for number in range(100)})
    assert differences(Fold("a"), held)[-1] == "and more"
