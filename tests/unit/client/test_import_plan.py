"""From a row to commands: which, in which order, and with ids that are the same whenever the row is imported."""

import uuid
from typing import Any

import pytest

from contracts.import_columns import Columns, Wishes, columns_of, from_csv, from_json_line
from contracts.import_files import NotImportable
from contracts.import_plan import InvalidRow, plan

USER = {"email": "Ada@acme.example", "full_name": "Ada", "role": "owner"}


def types(**fields: Any) -> list[str]:
    return [command.type for command in plan(1, {"name": "Acme", "id": "1", **fields}, "id").commands]


def ids(**fields: Any) -> list[str]:
    return [command.id for command in plan(1, {"name": "Acme", "id": "1", **fields}, "id").commands]


def test_a_status_becomes_the_commands_that_lead_to_it() -> None:
    assert types() == ["company.register.v1"]
    assert types(users=[USER], status="active") == ["company.register.v1", "user.add.v1", "company.activate.v1"]
    assert types(status="suspended")[-2:] == ["company.activate.v1", "company.suspend.v1"]
    assert types(status="closed", reason="moved") == ["company.register.v1", "company.close.v1"]


def test_the_same_row_has_the_same_ids_for_ever() -> None:
    assert ids(users=[USER], status="active") == ids(users=[USER], status="active")
    assert ids() == ["cbc9ffa4-c6f2-58f4-aa0f-8dbc8691be9b"], "ids of files that were imported must stay what they are"


def test_another_row_about_the_same_company_has_other_ids() -> None:
    one, other = plan(1, {"name": "Fox (A)", "id": "1"}, "id"), plan(2, {"name": "Fox (B)", "id": "1"}, "id")

    assert one.company_id == other.company_id
    assert one.commands[0].id != other.commands[0].id


def test_a_uuid_is_taken_as_it_is_and_anything_else_is_derived_from_column_and_value() -> None:
    known = uuid.uuid4()

    assert plan(1, {"name": "A", "id": str(known).upper()}, "id").company_id == str(known)
    derived = {plan(1, {"name": "A", "id": value}, column).company_id for value, column in
               (("7", "CIK"), (7, "CIK"), (" 7 ", "cik"))}  # fmt: skip
    assert len(derived) == 1
    assert plan(1, {"name": "A", "id": "7"}, "symbol").company_id not in derived


def test_a_user_without_an_id_gets_one_from_company_and_email() -> None:
    one, two = (plan(1, {"name": "A", "id": number, "users": [USER]}, "id").commands[1] for number in "12")
    again = plan(9, {"name": "A", "id": "1", "users": [{**USER, "email": "ada@ACME.example"}]}, "id").commands[1]

    assert one.data.user_id == again.data.user_id != two.data.user_id


def test_nought_is_an_id_and_an_empty_one_is_none() -> None:
    given = ((0, "ada"), ("0", "eve"), ("", "ada"), (None, "ada"))
    users = [{**USER, "id": value, "email": f"{name}@acme.example"} for value, name in given]
    found = [plan(1, {"name": "A", "id": "1", "users": [user]}, "id").commands[1].data.user_id for user in users]

    assert found[0] == found[1] != found[2] == found[3]


@pytest.mark.parametrize(
    ("fields", "loc"),
    [
        ({"name": ""}, ["name"]),
        ({"name": "x" * 201}, ["name"]),
        ({"name": "Acme\x00"}, ["name"]),
        ({"name": 7}, ["name"]),
        ({"id": "  "}, ["id"]),
        ({"seat_limit": "many"}, ["seat_limit"]),
        ({"seat_limit": 0}, ["seat_limit"]),
        ({"status": "open"}, ["status"]),
        ({"seat_limits": 5}, ["seat_limits"]),
        ({"users": [USER, {**USER, "email": "none"}]}, ["users", 1, "email"]),
        ({"users": [{**USER, "phone": "1"}]}, ["users", 0, "phone"]),
    ],
)
def test_a_row_that_cannot_be_says_where(fields: dict[str, Any], loc: list[str | int]) -> None:
    with pytest.raises(InvalidRow) as refused:
        plan(1, {"name": "Acme", "id": "1", **fields}, "id")

    assert refused.value.errors[0]["loc"] == loc


def test_columns_are_found_by_names_that_leave_no_doubt_or_as_wished() -> None:
    header = ["Symbol", "Security", "CIK", "Seats"]

    assert columns_of(header, Wishes()) == Columns("Security", "CIK", "Seats")
    assert columns_of(header, Wishes(name="Symbol", id="Security")) == Columns("Symbol", "Security", "Seats")
    assert columns_of(["id", "company"], Wishes()) == Columns("company", "id", None)
    with pytest.raises(NotImportable, match="There is no column Name; there are: Symbol"):
        columns_of(header, Wishes(name="Name"))


def test_other_columns_of_csv_are_left_out_and_other_keys_of_json_stay() -> None:
    columns = Columns("Security", "CIK", "Seats")
    values = {"Security": "3M", "CIK": "66", "Seats": " 7 ", "Founded": "1902"}

    assert from_csv(values, columns) == {"name": "3M", "id": "66", "seat_limit": 7}
    assert from_csv({**values, "Seats": ""}, columns) == {"name": "3M", "id": "66"}
    assert from_csv({**values, "Seats": "x"}, columns)["seat_limit"] == "x"
    assert from_json_line({"Security": "3M", "CIK": 66, "colour": 1}, columns) == {"name": "3M", "id": 66, "colour": 1}
