"""The messages as the tutorial's services read them."""

import json
from typing import Any
from uuid import UUID

from faststream.rabbit import RabbitMessage
from pydantic import BaseModel, Field

EXCHANGE_COMMANDS, EXCHANGE_EVENTS, EXCHANGE_QUERIES = "commands", "events", "queries"
QUEUE_COMMANDS, QUEUE_EVENTS, QUEUE_QUERIES = "naive.commands", "naive.events", "naive.queries"


async def as_json(message: RabbitMessage) -> Any:
    """CloudEvents are JSON under a content type that FastStream does not take for JSON."""
    return json.loads(message.body)


class Command(BaseModel):
    """A command's envelope."""

    id: UUID
    type: str
    subject: UUID
    data: dict[str, Any] = Field(default_factory=dict)


class Event(BaseModel):
    """An event's envelope."""

    id: UUID
    type: str
    subject: UUID
    time: str
    version: int
    commandid: UUID
    data: dict[str, Any]


class Name(BaseModel):
    """A company's name."""

    name: str = Field(min_length=1, max_length=200)


class NewCompany(Name):
    """What a registration says."""

    seat_limit: int = Field(default=5, ge=1, le=1_000_000)


class UserName(BaseModel):
    """A user's new name."""

    user_id: UUID
    full_name: str = Field(min_length=1, max_length=200)


class NewUser(UserName):
    """What adding a user says."""

    email: str = Field(min_length=3, max_length=254)
    role: str = Field(pattern="^(owner|admin|member)$")
