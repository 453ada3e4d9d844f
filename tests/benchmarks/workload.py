"""The commands that rows send, ready as bytes. All of them are accepted, whatever runs at the same time."""

import itertools
import json
import random
import uuid
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tests.benchmarks.stores import Wrong

SOURCE = "/registrar/benchmarks"
SINGLE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
BATCH_KEY = "batch.v1"
STORED = "00000000-0000-4000-8000-"  # how the ids of companies begin that were put there in bulk

# Commands of one company are this many steps apart at most: far more than are ever under way at once.
_APART = 400
# Companies of the smallest run, and steps apart there: the naive writers, who keep no order, have ten under way, so one
# of them would have to wait while fourteen others are done. (Its readers have twenty, and give back what is early.)
FEWEST = 24
_EARLIER = 1600  # additions between a user's and the user's next change: more than any replicas have under way
_MANY_SEATS = 1_000_000


class Message(NamedTuple):
    """A message to publish: its routing key, content type and body, and how many commands it holds."""

    key: str
    content_type: str
    body: bytes
    commands: int


def company_id(number: int, seed: int) -> str:
    """The id of a company of a run; the same whenever it is asked for."""
    return _uuid(random.Random(f"{seed}:{number}"))


def stored_id(number: int) -> str:
    """The id of a company that was put into the databases in bulk."""
    return f"{STORED}{number:012d}"


def lives(seed: int, companies: int) -> Iterator[dict[str, Any]]:
    """Six commands a company: register, add an owner and two members, activate, rename.

    Every company begins one step after the one before it and takes its next turn as many steps later as a quarter
    of the companies, at least `FEWEST` (where there are so many) and at most `_APART`: so all kinds of commands are
    under way together, and those of one company never race.
    """
    apart = min(_APART, companies, max(FEWEST, companies // 4))
    chance = random.Random(seed)
    for step in range(companies + 5 * apart):
        for turn in range(6):
            if 0 <= (number := step - turn * apart) < companies:
                yield _LIFE[turn](company_id(number, seed), chance)


def registrations(seed: int, companies: int) -> Iterator[dict[str, Any]]:
    """One registration a company, with seats for everybody."""
    chance = random.Random(seed)
    for number in range(companies):
        yield _register(company_id(number, seed), chance, _MANY_SEATS)


def changes(seed: int, companies: int, count: int, of: int | None = None) -> Iterator[dict[str, Any]]:
    """Changes of companies that exist, taken at random: two users added, one renamed, the company renamed, again.

    `of` is the seed that the companies were registered with; None stands for those that were stored in bulk.
    """
    chance = random.Random(f"{seed}:changes")
    added: list[tuple[str, str]] = []
    for number in range(count):
        chosen = chance.randrange(companies)
        company = stored_id(chosen) if of is None else company_id(chosen, of)
        turn = number % 4
        if turn == 2 and len(added) > _EARLIER:
            company, user = added[-_EARLIER]
            yield _command("user.rename.v1", company, chance, {"user_id": user, "full_name": f"Person {number}"})
        elif turn == 3:
            yield _command("company.rename.v1", company, chance, {"name": f"Renamed {_uuid(chance)}"})
        else:
            command = _add_user(company, chance, "member")
            added.append((company, command["data"]["user_id"]))
            yield command


def singles(commands: Iterator[dict[str, Any]]) -> Iterator[Message]:
    """One message a command."""
    for command in commands:
        yield Message(command["type"], SINGLE, _json(command), 1)


def batches(commands: Iterator[dict[str, Any]], size: int) -> Iterator[Message]:
    """Messages of so many commands each; the last may hold fewer."""
    while batch := list(itertools.islice(commands, size)):
        yield Message(BATCH_KEY, BATCH, _json(batch), len(batch))


def accepted(reply: bytes) -> int:
    """The version in the reply to a command. Raises Wrong unless it was accepted."""
    said = json.loads(reply)
    if said["status"] != "accepted":
        raise Wrong(f"not accepted: {said}")
    return int(said["version"])


def _register(company: str, chance: random.Random, seats: int = 5) -> dict[str, Any]:
    return _command("company.register.v1", company, chance, {"name": f"Company {_uuid(chance)}", "seat_limit": seats})


def _add_user(company: str, chance: random.Random, role: str) -> dict[str, Any]:
    user = _uuid(chance)
    data = {"user_id": user, "email": f"{user}@people.example", "full_name": "Ada Lovelace", "role": role}
    return _command("user.add.v1", company, chance, data)


_LIFE: tuple[Callable[[str, random.Random], dict[str, Any]], ...] = (
    _register,
    lambda company, chance: _add_user(company, chance, "owner"),
    lambda company, chance: _add_user(company, chance, "member"),
    lambda company, chance: _add_user(company, chance, "member"),
    lambda company, chance: _command("company.activate.v1", company, chance, {}),
    lambda company, chance: _command("company.rename.v1", company, chance, {"name": f"New {_uuid(chance)}"}),
)


def _command(kind: str, company: str, chance: random.Random, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": _uuid(chance),
        "source": SOURCE,
        "type": kind,
        "subject": company,
        "time": "2026-01-01T00:00:00Z",
        "datacontenttype": "application/json",
        "data": data,
    }


def _uuid(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
