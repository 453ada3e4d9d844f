"""When two names count as the same."""

import pytest

from contracts.values import folded
from write_service.domain.values import name_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acme", "ACME"),
        ("Acme  Inc", " acme\u00a0inc "),
        ("Straße", "STRASSE"),
        ("ﬁne", "fine"),
        ("\uff21cme", "acme"),
        ("Cafe\u0301", "CAFÉ"),
    ],
)
def test_names_that_count_as_the_same(one: str, other: str) -> None:
    assert name_key(one) == name_key(other) == folded(one)


@pytest.mark.parametrize(("one", "other"), [("Acme", "Acne"), ("Acme Inc", "AcmeInc"), ("Cafe", "Café")])
def test_names_that_differ(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)
