"""The deployment files, read as data."""

import json
import re
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def text(path: str) -> str:
    """A file of the project, by its path from the root."""
    return (ROOT / path).read_text()


def documents(path: Path) -> list[dict[str, Any]]:
    """The YAML documents of a file."""
    return [one for one in yaml.safe_load_all(path.read_text()) if one]


def compose() -> dict[str, Any]:
    """The compose file as it is where no variable is set: every one has a default, or this raises."""

    def default(found: re.Match[str]) -> str:
        if found[2] is None:
            raise AssertionError(f"{found[1]} has no default")
        return found[2]

    loaded: dict[str, Any] = yaml.safe_load(_VARIABLE.sub(default, text("compose.yaml")))
    return loaded


def compose_variables() -> set[str]:
    """The variables that a person may set for compose."""
    return {found[1] for found in _VARIABLE.finditer(text("compose.yaml"))}


def definitions() -> dict[str, list[dict[str, str]]]:
    """The broker's users and permissions."""
    loaded: dict[str, list[dict[str, str]]] = json.loads(text("deploy/rabbitmq/definitions.json"))
    return loaded
