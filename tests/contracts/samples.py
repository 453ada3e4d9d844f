"""The golden messages in contracts/samples, by folder and name."""

import json
from pathlib import Path
from typing import Any

import contracts

FOLDER = Path(str(contracts.__file__)).with_name("samples")


def sample(folder: str, name: str) -> Any:
    """A golden message."""
    return json.loads((FOLDER / folder / f"{name}.json").read_text())


def names(folder: str) -> set[str]:
    """The names of the samples in a folder."""
    return {path.stem for path in (FOLDER / folder).glob("*.json")}


def body(message: Any) -> bytes:
    """The bytes of a message."""
    return json.dumps(message).encode()
