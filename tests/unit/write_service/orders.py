"""Commands for tests, made from a few words."""

import itertools
from typing import Any
from uuid import UUID

from contracts.commands import COMMANDS, Command

_numbers = itertools.count(1)


def an_id(number: int | None = None) -> str:
    """A UUID of its own, or always the same for a number."""
    return str(UUID(int=next(_numbers) + 10**9 if number is None else number, version=4))


def order(kind: str, company: str, data: dict[str, Any] | None = None, **attributes: Any) -> Command:
    """The command of a wire type without its `.v1`, as `company.register`."""
    envelope = {"specversion": "1.0", "id": an_id(), "source": "/tests", "subject": company, "type": f"{kind}.v1"}
    return COMMANDS[f"{kind}.v1"].model_validate({**envelope, "data": data or {}, **attributes})


def register(company: str, name: str, seat_limit: int = 5, **attributes: Any) -> Command:
    return order("company.register", company, {"name": name, "seat_limit": seat_limit}, **attributes)


def rename(company: str, name: str, **attributes: Any) -> Command:
    return order("company.rename", company, {"name": name}, **attributes)


def close(company: str, **attributes: Any) -> Command:
    return order("company.close", company, {"reason": "merged"}, **attributes)


def add_user(company: str, user: str, email: str, role: str = "member", **attributes: Any) -> Command:
    data = {"user_id": user, "email": email, "full_name": f"User {user[:4]}", "role": role}
    return order("user.add", company, data, **attributes)


def change_email(company: str, user: str, email: str, **attributes: Any) -> Command:
    return order("user.change_email", company, {"user_id": user, "email": email}, **attributes)


def remove_user(company: str, user: str, **attributes: Any) -> Command:
    return order("user.remove", company, {"user_id": user}, **attributes)
