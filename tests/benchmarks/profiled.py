"""A program under cProfile in all of its threads: python -m tests.benchmarks.profiled FILE MODULE [ARGUMENT …].

The profiler of the standard library sees one thread; a reading service works in others, too. Since Python 3.12 a
process has one profiler, whatever its threads.
"""

import contextlib
import cProfile
import pstats
import runpy
import sys
import threading
from collections.abc import Iterator


def main() -> None:
    """Run the module as a program; the statistics of all threads that have ended by then go to the file."""
    file, module, *arguments = sys.argv[1:]
    sys.argv = [module, *arguments]
    profiles: list[cProfile.Profile] = []
    run = threading.Thread.run

    def profiled(thread: threading.Thread) -> None:
        with _profile(profiles):
            run(thread)

    threading.Thread.run = profiled  # type: ignore[assignment,method-assign]
    try:
        with _profile(profiles):
            runpy.run_module(module, run_name="__main__")
    finally:
        # As the interpreter does at its end: pools send their workers home, and all threads have been counted.
        threading._shutdown()  # type: ignore[attr-defined]
        pstats.Stats(*profiles).dump_stats(file)


@contextlib.contextmanager
def _profile(profiles: list[cProfile.Profile]) -> Iterator[None]:
    profile = cProfile.Profile()
    try:
        with profile:
            yield
    finally:
        profiles.append(profile)


if __name__ == "__main__":
    main()
