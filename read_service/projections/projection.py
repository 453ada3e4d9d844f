"""What a projection is: for every event that it handles, a pure function to write operations."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from read_service.projections.standing import NOTHING, Standing
from read_service.projections.writes import Write


class Step(NamedTuple):
    """An event, and where its company stands before and after it. Outcomes of commands move nothing."""

    event: Any
    before: Standing = NOTHING
    after: Standing = NOTHING


Handler = Callable[[Step], Iterable[Write]]


@dataclass(frozen=True, slots=True)
class Projection:
    """Handlers by wire type; what is not handled is named as ignored, so that nothing is forgotten."""

    name: str
    handlers: Mapping[str, Handler]
    ignores: frozenset[str] = field(default_factory=frozenset)
