"""Every command in every status, and the order of the checks that all commands share."""

from collections.abc import Callable

import pytest

from tests.unit.write_service.given import ANNA, BERT, CARLA, company, new_company
from write_service.domain import rejections
from write_service.domain.company import Company
from write_service.domain.rejections import Rejection
from write_service.domain.values import Status

Ask = Callable[[Company], None]

COMMANDS: dict[str, Ask] = {
    "rename": lambda acme: acme.rename("Umbrella", name_taken=False),
    "activate": lambda acme: acme.activate(),
    "suspend": lambda acme: acme.suspend("unpaid"),
    "close": lambda acme: acme.close("merged"),
    "change_seat_limit": lambda acme: acme.change_seat_limit(9),
    "add_user": lambda acme: acme.add_user(CARLA),
    "change_role": lambda acme: acme.change_role(BERT.user_id, "admin"),
    "rename_user": lambda acme: acme.rename_user(BERT.user_id, "Bert Süd"),
    "change_email": lambda acme: acme.change_email(BERT.user_id, CARLA.email),
    "remove_user": lambda acme: acme.remove_user(BERT.user_id),
}
REFUSED: dict[tuple[str, Status], type[Rejection]] = {
    ("activate", "active"): rejections.InvalidTransition,
    ("suspend", "registered"): rejections.InvalidTransition,
    ("suspend", "suspended"): rejections.InvalidTransition,
    ("add_user", "suspended"): rejections.CompanySuspended,
    **{(name, "closed"): rejections.CompanyClosed for name in COMMANDS},
}
CODES = [
    *("company_not_found", "company_already_exists", "name_taken", "invalid_transition", "company_closed"),
    *("company_suspended", "owner_required", "seat_limit_reached", "seat_limit_below_users", "user_not_found"),
    *("user_already_exists", "email_taken", "last_owner", "version_conflict"),
]
STATUSES: tuple[Status, ...] = ("registered", "active", "suspended", "closed")


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("status", STATUSES)
def test_each_command_in_each_status(name: str, status: Status) -> None:
    acme = company(status, ANNA, BERT)
    before = acme.checkpoint()
    refused = REFUSED.get((name, status))
    if refused is None:
        COMMANDS[name](acme)
        assert (acme.version, len(acme.events)) == (8, 1)
    else:
        with pytest.raises(refused):
            COMMANDS[name](acme)
        assert acme.checkpoint() == before


@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_can_be_asked_of_a_company_that_does_not_exist(name: str) -> None:
    with pytest.raises(rejections.CompanyNotFound):
        COMMANDS[name](new_company())


@pytest.mark.parametrize("name", ["change_role", "rename_user", "change_email", "remove_user"])
def test_a_user_must_exist(name: str) -> None:
    with pytest.raises(rejections.UserNotFound):
        COMMANDS[name](company("active", ANNA))


def test_the_expected_version_is_checked_after_existence_and_closing() -> None:
    with pytest.raises(rejections.CompanyNotFound):
        new_company().expect(3)
    with pytest.raises(rejections.CompanyClosed):
        company("closed").expect(3)
    with pytest.raises(rejections.VersionConflict) as refused:
        company("active").expect(3)
    assert refused.value.details == {"version": 7, "expected": 3}
    company("active").expect(7)
    company("active").expect(None)


@pytest.mark.parametrize("status", STATUSES)
def test_an_existing_company_is_not_new_whatever_version_is_expected(status: Status) -> None:
    for expected in (None, 0, 3, 7):
        with pytest.raises(rejections.CompanyAlreadyExists):
            company(status).expect_new(expected)


def test_a_new_company_is_at_version_zero() -> None:
    new_company().expect_new(0)
    new_company().expect_new(None)
    with pytest.raises(rejections.VersionConflict):
        new_company().expect_new(1)


def test_every_rejection_has_a_code_of_its_own_and_the_ones_that_were_promised() -> None:
    codes = [rejection.code for rejection in Rejection.__subclasses__()]
    assert sorted(codes) == sorted(CODES)
