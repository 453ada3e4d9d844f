"""The rules of a company, one by one: given a state, when asked, then this event or that rejection."""

import pytest

from tests.unit.write_service.given import ANNA, BERT, CARLA, COMPANY, FREE_EMAIL, company, new_company
from write_service.domain import events, rejections
from write_service.domain.company import Company
from write_service.domain.values import Status


def test_registering_makes_the_company_known_at_version_one() -> None:
    acme = new_company()
    acme.register("Acme", 10, name_taken=False)
    assert (acme.id, acme.version, acme.status, acme.name, acme.seat_limit) == (COMPANY, 1, "registered", "Acme", 10)
    assert acme.events == [events.CompanyRegistered("Acme", 10)]


def test_an_id_is_registered_once() -> None:
    with pytest.raises(rejections.CompanyAlreadyExists):
        company().register("Other", 10, name_taken=False)


def test_a_taken_name_is_refused_at_registration() -> None:
    acme = new_company()
    with pytest.raises(rejections.NameTaken):
        acme.register("Acme", 10, name_taken=True)
    assert (acme.version, acme.events) == (0, [])


def test_renaming_tells_the_name_before() -> None:
    acme = company()
    acme.rename("Umbrella", name_taken=False)
    assert (acme.name, acme.version, acme.events) == ("Umbrella", 8, [events.CompanyRenamed("Umbrella", "Acme")])


def test_another_display_form_of_the_same_name_is_a_change() -> None:
    acme = company()
    acme.rename("ACME", name_taken=False)
    assert acme.events == [events.CompanyRenamed("ACME", "Acme")]


def test_the_same_name_changes_nothing() -> None:
    acme = company()
    acme.rename("Acme", name_taken=False)
    assert (acme.version, acme.events) == (7, [])


def test_a_taken_name_is_refused_when_renaming() -> None:
    with pytest.raises(rejections.NameTaken):
        company().rename("Umbrella", name_taken=True)


@pytest.mark.parametrize("status", ["registered", "suspended"])
def test_a_company_with_an_owner_becomes_active(status: Status) -> None:
    acme = company(status, ANNA)
    acme.activate()
    assert (acme.status, acme.version, acme.events) == ("active", 8, [events.CompanyActivated()])


@pytest.mark.parametrize("status", ["registered", "suspended"])
def test_a_company_without_an_owner_does_not_become_active(status: Status) -> None:
    with pytest.raises(rejections.OwnerRequired):
        company(status, BERT).activate()


def test_an_active_company_cannot_be_activated_again() -> None:
    with pytest.raises(rejections.InvalidTransition) as refused:
        company("active", ANNA).activate()
    assert refused.value.details == {"status": "active", "wanted": "active"}
    assert refused.value.message == "a company that is active cannot become active"


def test_an_active_company_is_suspended_with_a_reason() -> None:
    acme = company("active", ANNA)
    acme.suspend("unpaid")
    assert (acme.status, acme.events) == ("suspended", [events.CompanySuspended("unpaid")])


@pytest.mark.parametrize("status", ["registered", "suspended"])
def test_only_an_active_company_is_suspended(status: Status) -> None:
    with pytest.raises(rejections.InvalidTransition) as refused:
        company(status, ANNA).suspend("unpaid")
    assert refused.value.details == {"status": status, "wanted": "suspended"}


@pytest.mark.parametrize("status", ["registered", "active", "suspended"])
def test_a_company_closes_from_any_other_status_and_keeps_its_users(status: Status) -> None:
    acme = company(status, ANNA, BERT)
    acme.close("merged")
    assert (acme.status, acme.user_count, acme.owner_count) == ("closed", 2, 1)
    assert acme.events == [events.CompanyClosed("merged")]


def test_the_seat_limit_may_fall_to_the_number_of_users() -> None:
    acme = company("active", ANNA, BERT)
    acme.change_seat_limit(2)
    assert (acme.seat_limit, acme.events) == (2, [events.SeatLimitChanged(2, 5)])


def test_the_seat_limit_does_not_fall_below_the_number_of_users() -> None:
    with pytest.raises(rejections.SeatLimitBelowUsers) as refused:
        company("active", ANNA, BERT).change_seat_limit(1)
    assert refused.value.details == {"users": 2, "seat_limit": 1}


def test_the_same_seat_limit_changes_nothing() -> None:
    acme = company()
    acme.change_seat_limit(5)
    assert (acme.version, acme.events) == (7, [])


@pytest.mark.parametrize("status", ["registered", "active"])
def test_a_user_is_added_and_counted(status: Status) -> None:
    acme = company(status, ANNA)
    acme.add_user(BERT)
    assert (acme.user_count, acme.owner_count, acme.members.find(BERT.user_id)) == (2, 1, BERT)
    assert acme.events == [events.UserAdded(BERT.user_id, BERT.email, BERT.full_name, "member")]


def test_no_user_is_added_without_a_free_seat() -> None:
    with pytest.raises(rejections.SeatLimitReached) as refused:
        company("active", ANNA, seat_limit=1).add_user(BERT)
    assert refused.value.details == {"seat_limit": 1}


def test_no_user_is_added_to_a_suspended_company() -> None:
    with pytest.raises(rejections.CompanySuspended):
        company("suspended", ANNA, seat_limit=1).add_user(ANNA)


def test_a_missing_seat_is_told_before_a_known_user() -> None:
    with pytest.raises(rejections.SeatLimitReached):
        company("active", ANNA, seat_limit=1).add_user(ANNA)


def test_a_user_is_told_before_a_taken_email() -> None:
    with pytest.raises(rejections.UserAlreadyExists):
        company("active", ANNA).add_user(ANNA)


def test_an_email_belongs_to_one_user_of_a_company() -> None:
    with pytest.raises(rejections.EmailTaken) as refused:
        company("active", ANNA).add_user(BERT._replace(email=ANNA.email))
    assert refused.value.details == {}  # no personal data in what is kept


def test_a_user_who_was_removed_may_be_added_again_with_another_role() -> None:
    acme = company("active", ANNA, BERT)
    acme.remove_user(BERT.user_id)
    acme.add_user(BERT._replace(role="owner"))
    assert (acme.version, acme.user_count, acme.owner_count) == (9, 2, 2)
    assert acme.events[0] == events.UserRemoved(BERT.user_id, "member")


def test_a_role_changes_and_owners_are_counted() -> None:
    acme = company("active", ANNA, BERT)
    acme.change_role(BERT.user_id, "owner")
    acme.change_role(ANNA.user_id, "admin")
    assert acme.owner_count == 1
    assert acme.events == [
        events.UserRoleChanged(BERT.user_id, "owner", "member"),
        events.UserRoleChanged(ANNA.user_id, "admin", "owner"),
    ]


def test_the_same_role_changes_nothing_even_for_the_last_owner() -> None:
    acme = company("active", ANNA)
    acme.change_role(ANNA.user_id, "owner")
    assert (acme.version, acme.events) == (7, [])


def test_an_active_company_keeps_its_last_owner() -> None:
    acme = company("active", ANNA, BERT)
    with pytest.raises(rejections.LastOwner):
        acme.change_role(ANNA.user_id, "admin")
    with pytest.raises(rejections.LastOwner):
        acme.remove_user(ANNA.user_id)
    assert acme.events == []


@pytest.mark.parametrize("status", ["registered", "suspended"])
def test_a_company_that_is_not_active_may_lose_its_last_owner(status: Status) -> None:
    acme = company(status, ANNA)
    acme.remove_user(ANNA.user_id)
    assert (acme.user_count, acme.owner_count, acme.members.find(ANNA.user_id)) == (0, 0, None)


def test_a_user_is_renamed() -> None:
    acme = company("suspended", BERT)
    acme.rename_user(BERT.user_id, "Bert Süd")
    assert acme.events == [events.UserRenamed(BERT.user_id, "Bert Süd")]
    assert acme.members.find(BERT.user_id) == BERT._replace(full_name="Bert Süd")


def test_the_same_full_name_changes_nothing() -> None:
    acme = company("active", BERT)
    acme.rename_user(BERT.user_id, BERT.full_name)
    assert acme.events == []


def test_an_email_changes_and_the_old_one_is_free() -> None:
    acme = company("active", ANNA, BERT)
    acme.change_email(BERT.user_id, FREE_EMAIL)
    acme.change_email(ANNA.user_id, BERT.email)
    assert acme.events == [
        events.UserEmailChanged(BERT.user_id, FREE_EMAIL),
        events.UserEmailChanged(ANNA.user_id, BERT.email),
    ]


def test_the_email_of_another_user_is_taken() -> None:
    with pytest.raises(rejections.EmailTaken):
        company("active", ANNA, BERT).change_email(BERT.user_id, ANNA.email)


def test_the_same_email_changes_nothing() -> None:
    acme = company("active", BERT)
    acme.change_email(BERT.user_id, BERT.email)
    assert acme.events == []


def test_a_user_of_whom_nothing_is_known_is_not_taken_for_absent() -> None:
    with pytest.raises(KeyError):
        Company(COMPANY, version=1, name="Acme", seat_limit=5).add_user(CARLA)


def test_going_back_leaves_no_trace() -> None:
    acme = company("active", ANNA, BERT)
    acme.change_seat_limit(9)
    before = acme.checkpoint()
    acme.change_email(BERT.user_id, FREE_EMAIL)
    acme.change_email(ANNA.user_id, BERT.email)
    acme.remove_user(BERT.user_id)
    acme.rename("Umbrella", name_taken=False)
    acme.suspend("unpaid")
    acme.back_to(before)
    assert acme.checkpoint() == before
    assert acme.events == [events.SeatLimitChanged(9, 5)]
    assert acme.members.changes() == []
    assert [acme.members.find(user.user_id) for user in (ANNA, BERT)] == [ANNA, BERT]
    assert [acme.members.holder_of(user.email) for user in (ANNA, BERT)] == [ANNA.user_id, BERT.user_id]
    assert acme.members.holder_of(FREE_EMAIL) is None
