"""The users of one company, as far as they were looked up: a company may have a million of them."""

from collections.abc import Iterable
from typing import NamedTuple


class User(NamedTuple):
    """A person in a company. The email is in lower case."""

    user_id: str
    email: str
    full_name: str
    role: str


class Change(NamedTuple):
    """What became of one user: None stands for not being there."""

    user_id: str
    before: User | None
    after: User | None


class Membership:
    """The users that were looked up, by id or by email.

    Asking for one that was not looked up raises KeyError: unknown must never be taken for absent.
    """

    __slots__ = ("_holders", "_log", "_users")

    def __init__(self, users: Iterable[User] = (), ids: Iterable[str] = (), emails: Iterable[str] = ()) -> None:
        self._users: dict[str, User | None] = dict.fromkeys(ids)
        self._holders: dict[str, str | None] = dict.fromkeys(emails)
        self._log: list[tuple[str, User | None]] = []
        for user in users:
            self._users[user.user_id] = user
            self._holders[user.email] = user.user_id

    def find(self, user_id: str) -> User | None:
        """The user with this id, or None."""
        return self._users[user_id]

    def holder_of(self, email: str) -> str | None:
        """The id of the user with this email, or None."""
        return self._holders[email]

    def put(self, user: User) -> None:
        """Add the user, or replace the one with the same id."""
        self._log.append((user.user_id, self._users[user.user_id]))
        self._set(user.user_id, user)

    def remove(self, user_id: str) -> None:
        """Take a user out."""
        self._log.append((user_id, self._users[user_id]))
        self._set(user_id, None)

    def mark(self) -> int:
        """A point to which `undo` can go back."""
        return len(self._log)

    def undo(self, mark: int) -> None:
        """Take back every change since that mark."""
        while len(self._log) > mark:
            self._set(*self._log.pop())

    def changes(self) -> list[Change]:
        """What became of every user touched, compared with what was looked up; without those that are as before."""
        first: dict[str, User | None] = {}
        for user_id, before in self._log:
            first.setdefault(user_id, before)
        ends = (Change(user_id, before, self._users[user_id]) for user_id, before in first.items())
        return [change for change in ends if change.before != change.after]

    def _set(self, user_id: str, user: User | None) -> None:
        before = self._users[user_id]
        if before is not None and self._holders[before.email] == user_id:
            self._holders[before.email] = None
        if user is not None:
            self._holders[user.email] = user_id
        self._users[user_id] = user
