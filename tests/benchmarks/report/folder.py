"""The folder of results: one JSON file a row, so that rows may be measured one at a time."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.bench import Plan, Row
from tests.benchmarks.results import Outcome, Sample


def save(folder: Path, outcome: Outcome) -> None:
    """Write a row's result, in place of an older one."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{outcome.row}.json").write_text(json.dumps(outcome.as_json(), indent=1) + "\n")


def load(folder: Path, rows: Mapping[str, Row]) -> list[Outcome]:
    """The results that the folder holds, in the order of the rows; the goals are today's."""
    files = {name: folder / f"{name}.json" for name in rows}
    return [_outcome(rows[name], json.loads(file.read_text())) for name, file in files.items() if file.exists()]


def made(plan: Plan, commit: str) -> dict[str, Any]:
    """When, where, of which code and how much."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory, 1),
        "python": platform.python_version(),
        "commit": commit,
        "plan": asdict(plan),
    }


def _outcome(row: Row, found: dict[str, Any]) -> Outcome:
    samples = [Sample.from_json(sample) for sample in found["samples"]]
    return Outcome(row.name, row.title, samples, row.goals, found["made"])


def commit(checkout: Path = Path(__file__).parent) -> str:
    """The commit that is checked out, `-dirty` where files differ from it, or `no checkout`."""
    asked = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() or "no checkout"
    except OSError:
        return "no checkout"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
