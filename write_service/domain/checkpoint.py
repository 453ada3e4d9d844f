"""What a company was at a moment, so that it can be so again."""

from typing import NamedTuple

from write_service.domain.values import Status


class Checkpoint(NamedTuple):
    """The facts of a company, and how much had happened to it."""

    version: int
    status: Status
    name: str
    seat_limit: int
    user_count: int
    owner_count: int
    members: int  # how far their changes went
    events: int  # how many there were
