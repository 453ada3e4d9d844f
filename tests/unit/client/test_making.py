"""Commands made in Python are valid before they are sent, and have ids and times of their own."""

import uuid

import pytest
from pydantic import ValidationError

from contracts.commands import AddUser, RegisterCompany, RenameCompany
from contracts.making import UnknownName, command, new_id


def test_a_command_is_made_from_its_class_or_its_type_with_or_without_version() -> None:
    company, identity = uuid.uuid4(), uuid.uuid4()

    made = [
        command(kind, company, id=identity, name="Acme").model_copy(update={"time": None})
        for kind in (RegisterCompany, "company.register", "company.register.v1")
    ]

    assert made[0] == made[1] == made[2]
    assert made[0].subject == str(company)
    assert made[0].data.model_dump() == {"name": "Acme", "seat_limit": 5}


def test_uuids_in_the_data_become_text() -> None:
    user = uuid.uuid4()

    made = command(AddUser, uuid.uuid4(), user_id=user, email="a@b.example", full_name="A", role="owner")

    assert made.data.user_id == str(user)


def test_an_invalid_command_cannot_be_made() -> None:
    with pytest.raises(ValidationError):
        command(RenameCompany, uuid.uuid4(), name="")
    with pytest.raises(ValidationError):
        command(RenameCompany, "no uuid", name="Acme")
    with pytest.raises(UnknownName, match=r"known are company\.register\.v1"):
        command("company.found", uuid.uuid4())


def test_ids_are_uuids_of_version_seven_that_sort_by_time() -> None:
    first = new_id()
    ids = [new_id() for _ in range(1_000)]

    assert len(set(ids)) == 1_000
    assert {uuid.UUID(one).version for one in ids} == {7}
    assert {uuid.UUID(one).variant for one in ids} == {uuid.RFC_4122}
    assert first[:13] <= min(one[:13] for one in ids)
