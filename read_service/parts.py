"""What the two halves of the service, events in and queries out, are put together from."""

from dataclasses import dataclass, field

from read_service.adapters.mongo import Database
from read_service.entrypoints.health import Check
from read_service.entrypoints.stopping import Stop
from read_service.settings import Settings
from read_service.verification.noticing import Wants
from read_service.views.current import Current
from read_service.views.waiting import Waiting


@dataclass(frozen=True, slots=True)
class Parts:
    """The resources that both halves share, and the checks of readiness that each adds to."""

    settings: Settings
    stop: Stop
    projector: Database  # may write
    views: Database  # may only find
    current: Current
    waiting: Waiting
    wants: Wants
    checks: dict[str, Check] = field(default_factory=dict)
