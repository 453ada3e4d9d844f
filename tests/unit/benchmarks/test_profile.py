"""The profiler: it sees all threads, and its steps are functions that exist."""

import pstats
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks import profile

ROOT = Path(__file__).parents[3]

_PROGRAM = """
import concurrent.futures, threading

def in_a_thread():
    pass

def in_a_pool():
    pass

threading.Thread(target=in_a_thread).start()
concurrent.futures.ThreadPoolExecutor().submit(in_a_pool)
raise SystemExit(7)
"""


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="since Python 3.12 a process has one profiler")
def test_functions_of_all_threads_are_counted(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(_PROGRAM)
    file = tmp_path / "stats"
    command = [sys.executable, "-m", "tests.benchmarks.profiled", str(file), "program"]
    ended = subprocess.run(command, check=False, cwd=ROOT, env={"PYTHONPATH": f"{ROOT}:{tmp_path}"}, timeout=60)
    assert ended.returncode == 7
    counted = {name for _, _, name in pstats.Stats(str(file)).stats}  # type: ignore[attr-defined]
    assert {"in_a_thread", "in_a_pool"} <= counted


@pytest.mark.parametrize(
    ("step", "file", "function"),
    [(step.strip(), *where) for steps in profile.STEPS.values() for step, where in steps.items()],
)
def test_a_step_is_in_one_file(step: str, file: str, function: str) -> None:
    sources = [path for part in ("contracts", "write_service", "read_service") for path in (ROOT / part).rglob("*.py")]
    found = [path for path in sources if path.as_posix().endswith(file) and f"def {function}(" in path.read_text()]
    assert len(found) == 1, step
