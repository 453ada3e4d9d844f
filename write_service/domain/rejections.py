"""The rules that a command can break: one class each, with a code that stays the same for ever."""

from typing import ClassVar


class Rejection(Exception):
    """A broken rule. Details hold what a program needs to understand it, and never personal data: they are kept."""

    code: ClassVar[str]
    text: ClassVar[str]

    def __init__(self, **details: object) -> None:
        super().__init__(self.text.format(**details))
        self.details = details

    @property
    def message(self) -> str:
        """The rule in words for a person."""
        return str(self)


class CompanyNotFound(Rejection):
    code = "company_not_found"
    text = "there is no company with this id"


class CompanyAlreadyExists(Rejection):
    code = "company_already_exists"
    text = "there is a company with this id already"


class NameTaken(Rejection):
    code = "name_taken"
    text = "another company has this name"


class InvalidTransition(Rejection):
    code = "invalid_transition"
    text = "a company that is {status} cannot become {wanted}"


class CompanyClosed(Rejection):
    code = "company_closed"
    text = "the company is closed"


class CompanySuspended(Rejection):
    code = "company_suspended"
    text = "the company is suspended"


class OwnerRequired(Rejection):
    code = "owner_required"
    text = "a company needs an owner before it becomes active"


class SeatLimitReached(Rejection):
    code = "seat_limit_reached"
    text = "all of the company's seats ({seat_limit}) are taken"


class SeatLimitBelowUsers(Rejection):
    code = "seat_limit_below_users"
    text = "the company has {users} users, more than {seat_limit} seats"


class UserNotFound(Rejection):
    code = "user_not_found"
    text = "the company has no user with this id"


class UserAlreadyExists(Rejection):
    code = "user_already_exists"
    text = "the company has a user with this id already"


class EmailTaken(Rejection):
    code = "email_taken"
    text = "another user of the company has this email"


class LastOwner(Rejection):
    code = "last_owner"
    text = "an active company keeps at least one owner"


class VersionConflict(Rejection):
    code = "version_conflict"
    text = "the company is at version {version}, not at {expected}"
