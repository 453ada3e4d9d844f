"""What can happen to a company. The company and its version go without saying: events lie in their order with it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CompanyRegistered:
    name: str
    seat_limit: int


@dataclass(frozen=True, slots=True)
class CompanyRenamed:
    name: str
    previous_name: str


@dataclass(frozen=True, slots=True)
class CompanyActivated:
    pass


@dataclass(frozen=True, slots=True)
class CompanySuspended:
    reason: str


@dataclass(frozen=True, slots=True)
class CompanyClosed:
    reason: str


@dataclass(frozen=True, slots=True)
class SeatLimitChanged:
    seat_limit: int
    previous_seat_limit: int


@dataclass(frozen=True, slots=True)
class UserAdded:
    user_id: str
    email: str
    full_name: str
    role: str


@dataclass(frozen=True, slots=True)
class UserRoleChanged:
    user_id: str
    role: str
    previous_role: str


@dataclass(frozen=True, slots=True)
class UserRenamed:
    user_id: str
    full_name: str


@dataclass(frozen=True, slots=True)
class UserEmailChanged:
    user_id: str
    email: str


@dataclass(frozen=True, slots=True)
class UserRemoved:
    user_id: str
    role: str


Event = (
    CompanyRegistered
    | CompanyRenamed
    | CompanyActivated
    | CompanySuspended
    | CompanyClosed
    | SeatLimitChanged
    | UserAdded
    | UserRoleChanged
    | UserRenamed
    | UserEmailChanged
    | UserRemoved
)
