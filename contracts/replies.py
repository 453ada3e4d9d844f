"""The replies to commands: what became of each."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter
from pydantic_core import from_json, to_json

from contracts.errors import Error


@dataclass(frozen=True, slots=True)
class Accepted:
    """The command holds: the company is at `version`; `token` lets a query wait for it."""

    command_id: str
    company_id: str
    version: int
    token: str
    repeated: bool = False
    status: Literal["accepted"] = "accepted"


@dataclass(frozen=True, slots=True)
class Rejected:
    """The command broke a rule and changed nothing."""

    command_id: str
    company_id: str
    code: str
    message: str
    details: dict[str, Any] = field(default_factory=dict)
    repeated: bool = False
    status: Literal["rejected"] = "rejected"


@dataclass(frozen=True, slots=True)
class Invalid:
    """The command could not be read; its id is not used up."""

    command_id: str | None
    errors: list[Error]
    status: Literal["invalid"] = "invalid"


@dataclass(frozen=True, slots=True)
class Parked:
    """The command's handler failed; the command rests in the service's custody and may be sent again."""

    command_id: str
    reason: str
    status: Literal["parked"] = "parked"


Reply = Accepted | Rejected | Invalid | Parked

_REPLY: TypeAdapter[Reply] = TypeAdapter(Annotated[Reply, Field(discriminator="status")])


def to_wire(reply: Reply) -> dict[str, Any]:
    """The reply as a JSON object; `repeated` appears only where it is true."""
    wire: dict[str, Any] = {"status": reply.status}
    for name in reply.__dataclass_fields__:  # asdict() takes four times as long: it copies every value
        value = getattr(reply, name)
        if value or name != "repeated":
            wire[name] = value
    return wire


def encode(replies: Reply | list[Reply]) -> bytes:
    """The body of the reply to one command (an object) or to a batch (an array in the order of its commands)."""
    if isinstance(replies, list):
        return to_json([to_wire(reply) for reply in replies])
    return to_json(to_wire(replies))


def decode(body: bytes) -> list[Reply]:
    """The replies of a body, one or many. Raises ValueError when it is not a reply."""
    found = from_json(body)
    return [_REPLY.validate_python(reply) for reply in (found if isinstance(found, list) else [found])]
