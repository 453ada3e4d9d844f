"""How much the read service's numbers grow while something happens."""

from read_service.metrics import REGISTRY


class Counted:
    """How much a number has grown since this was made."""

    def __init__(self, name: str, **labels: str) -> None:
        self._name, self._labels = f"registrar_read_{name}", labels
        self._before = self._now()

    def _now(self) -> float:
        return REGISTRY.get_sample_value(self._name, self._labels) or 0.0

    @property
    def grown(self) -> float:
        return self._now() - self._before
