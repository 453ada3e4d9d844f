"""The company: every rule about it and its users. Guard, change, record."""

from write_service.domain import events, rejections
from write_service.domain.checkpoint import Checkpoint
from write_service.domain.events import Event
from write_service.domain.membership import Membership, User
from write_service.domain.values import Status


class Company:
    """A company at a version, with those of its users that were looked up. At version 0 it does not exist yet."""

    __slots__ = ("events", "id", "members", "name", "owner_count", "seat_limit", "status", "user_count", "version")

    def __init__(
        self,
        company_id: str,
        *,
        version: int = 0,
        status: Status = "registered",
        name: str = "",
        seat_limit: int = 0,
        user_count: int = 0,
        owner_count: int = 0,
        members: Membership | None = None,
    ) -> None:
        self.id = company_id
        self.version = version
        self.status = status
        self.name = name
        self.seat_limit = seat_limit
        self.user_count = user_count
        self.owner_count = owner_count
        self.members = members or Membership()
        self.events: list[Event] = []

    def expect(self, version: int | None) -> None:
        """Guard: it exists, is not closed, and is at this version, where one is given."""
        self._open()
        self._at(version)

    def expect_new(self, version: int | None) -> None:
        """Guard: it does not exist yet; a version that is given can only be 0."""
        if self.version:
            raise rejections.CompanyAlreadyExists
        self._at(version)

    def register(self, name: str, seat_limit: int, *, name_taken: bool) -> None:
        """Make it known. `name_taken`: another company that is not closed has this name."""
        self.expect_new(None)
        if name_taken:
            raise rejections.NameTaken
        self.name = name
        self.seat_limit = seat_limit
        self._record(events.CompanyRegistered(name, seat_limit))

    def rename(self, name: str, *, name_taken: bool) -> None:
        """Give it another name. `name_taken`: another company that is not closed has this name."""
        self._open()
        if name == self.name:
            return
        if name_taken:
            raise rejections.NameTaken
        previous, self.name = self.name, name
        self._record(events.CompanyRenamed(name, previous))

    def activate(self) -> None:
        """Let it work."""
        self._open()
        if self.status not in ("registered", "suspended"):
            raise rejections.InvalidTransition(status=self.status, wanted="active")
        if not self.owner_count:
            raise rejections.OwnerRequired
        self.status = "active"
        self._record(events.CompanyActivated())

    def suspend(self, reason: str) -> None:
        """Stop it for a while."""
        self._open()
        if self.status != "active":
            raise rejections.InvalidTransition(status=self.status, wanted="suspended")
        self.status = "suspended"
        self._record(events.CompanySuspended(reason))

    def close(self, reason: str) -> None:
        """End it for ever. Its users stay with it; its name is free."""
        self._open()
        self.status = "closed"
        self._record(events.CompanyClosed(reason))

    def change_seat_limit(self, seat_limit: int) -> None:
        """Set how many users it may have."""
        self._open()
        if seat_limit == self.seat_limit:
            return
        if seat_limit < self.user_count:
            raise rejections.SeatLimitBelowUsers(users=self.user_count, seat_limit=seat_limit)
        previous, self.seat_limit = self.seat_limit, seat_limit
        self._record(events.SeatLimitChanged(seat_limit, previous))

    def add_user(self, user: User) -> None:
        """Make a person one of its users."""
        self._open()
        if self.status == "suspended":
            raise rejections.CompanySuspended
        if self.user_count >= self.seat_limit:
            raise rejections.SeatLimitReached(seat_limit=self.seat_limit)
        if self.members.find(user.user_id) is not None:
            raise rejections.UserAlreadyExists
        if self.members.holder_of(user.email) is not None:
            raise rejections.EmailTaken
        self._count(None, user.role)
        self.members.put(user)
        self._record(events.UserAdded(user.user_id, user.email, user.full_name, user.role))

    def change_role(self, user_id: str, role: str) -> None:
        """Give a user another role."""
        user = self._user(user_id)
        if role == user.role:
            return
        self._keep_an_owner(user)
        self._count(user.role, role)
        self.members.put(user._replace(role=role))
        self._record(events.UserRoleChanged(user_id, role, user.role))

    def rename_user(self, user_id: str, full_name: str) -> None:
        """Correct a user's full name."""
        user = self._user(user_id)
        if full_name == user.full_name:
            return
        self.members.put(user._replace(full_name=full_name))
        self._record(events.UserRenamed(user_id, full_name))

    def change_email(self, user_id: str, email: str) -> None:
        """Give a user another email address, in lower case."""
        user = self._user(user_id)
        if email == user.email:
            return
        if self.members.holder_of(email) is not None:
            raise rejections.EmailTaken
        self.members.put(user._replace(email=email))
        self._record(events.UserEmailChanged(user_id, email))

    def remove_user(self, user_id: str) -> None:
        """Take a user out. The same person may be added again later."""
        user = self._user(user_id)
        self._keep_an_owner(user)
        self._count(user.role, None)
        self.members.remove(user_id)
        self._record(events.UserRemoved(user_id, user.role))

    def checkpoint(self) -> Checkpoint:
        """A point to which `back_to` can return."""
        facts = (self.version, self.status, self.name, self.seat_limit, self.user_count, self.owner_count)
        return Checkpoint(*facts, self.members.mark(), len(self.events))

    def back_to(self, checkpoint: Checkpoint) -> None:
        """Be again as at that point: nothing after it has happened."""
        self.version, self.status, self.name = checkpoint.version, checkpoint.status, checkpoint.name
        self.seat_limit = checkpoint.seat_limit
        self.user_count, self.owner_count = checkpoint.user_count, checkpoint.owner_count
        self.members.undo(checkpoint.members)
        del self.events[checkpoint.events :]

    def _open(self) -> None:
        if not self.version:
            raise rejections.CompanyNotFound
        if self.status == "closed":
            raise rejections.CompanyClosed

    def _at(self, version: int | None) -> None:
        if version is not None and version != self.version:
            raise rejections.VersionConflict(version=self.version, expected=version)

    def _user(self, user_id: str) -> User:
        self._open()
        user = self.members.find(user_id)
        if user is None:
            raise rejections.UserNotFound
        return user

    def _keep_an_owner(self, leaving: User) -> None:
        if self.status == "active" and leaving.role == "owner" and self.owner_count == 1:
            raise rejections.LastOwner

    def _count(self, before: str | None, after: str | None) -> None:
        self.user_count += (after is not None) - (before is not None)
        self.owner_count += (after == "owner") - (before == "owner")

    def _record(self, event: Event) -> None:
        self.version += 1
        self.events.append(event)
