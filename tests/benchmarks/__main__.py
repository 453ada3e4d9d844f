"""The benchmark: python -m tests.benchmarks [--row NAME …] [--rounds N] [--size X] [--short] [--publish]."""

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from deploy.local.stack import DEFAULT_ROOT
from tests.benchmarks.bench import SHORT, Bench, Plan, Row
from tests.benchmarks.report import folder, publish
from tests.benchmarks.results import Outcome
from tests.benchmarks.rows.all import ROWS
from tests.benchmarks.servers import Servers, fresh_servers

ALL = "all"  # in the place of a row's name: also those that take too long for every day


def main() -> int:
    """Measure the rows that are asked for, and show what the folder holds. 1 when a result was wrong."""
    asked = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what has been started is stopped
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)  # a broker that is being stopped is no news
    failed = [] if asked.show else measured(rows(asked.row), _plan(asked), asked.out, asked.root)
    outcomes = folder.load(asked.out, ROWS)
    publish.show(outcomes)
    for file in publish.write(outcomes, publish.PUBLISHED if asked.publish else asked.out):
        print(file)
    for failure in failed:
        print(failure, file=sys.stderr)
    return 1 if failed else 0


def measured(rows: Sequence[Row], plan: Plan, out: Path, root: Path) -> list[str]:
    """Measure rows and save each; what went wrong. Rows that want servers of their own have them."""
    failed: list[str] = []
    commit = folder.commit()  # now: what is committed meanwhile is not what runs
    for together in [list(rows)] if plan.short else _groups(rows):
        while together:
            with fresh_servers(root) as servers:
                failed += asyncio.run(_measured(together, plan, out, servers, commit))
    return failed


async def _measured(rows: list[Row], plan: Plan, out: Path, servers: Servers, commit: str) -> list[str]:
    """Take rows off the list and measure them, up to one that fails: what it has left must not disturb the others."""
    async with contextlib.aclosing(Bench(servers, plan)) as bench:
        while rows:
            row, began = rows.pop(0), time.monotonic()
            print(f"{row.name}: {row.title}", flush=True)
            try:
                folder.save(
                    out, Outcome(row.name, row.title, await row.run(bench), row.goals, folder.made(plan, commit))
                )
            except Exception as failure:  # noqa: BLE001 - one row's trouble is not to cost the others
                traceback.print_exc()
                return [f"{row.name}: {type(failure).__name__}: {failure}"]
            print(f"  {time.monotonic() - began:.0f} s", flush=True)
    return []


def _groups(rows: Sequence[Row]) -> Iterator[list[Row]]:
    if together := [row for row in rows if not row.alone]:
        yield together
    yield from ([row] for row in rows if row.alone)


def rows(names: Sequence[str]) -> list[Row]:
    """The rows of these names: `all` of them, or where nothing is named those of every day."""
    if ALL in names:
        return list(ROWS.values())
    return [row for row in ROWS.values() if (row.name in names if names else row.by_default)]


def _plan(asked: argparse.Namespace) -> Plan:
    plan = SHORT if asked.short else Plan()
    given = {"rounds": asked.rounds, "size": asked.size, "large": asked.large}
    return replace(plan, **{name: value for name, value in given.items() if value is not None})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--row", nargs="+", default=[], choices=[ALL, *ROWS], help="only these rows")
    parser.add_argument("--rounds", type=int, help=f"rounds of each measurement ({Plan.rounds})")
    parser.add_argument("--size", type=float, help="how much of the full number of commands (1)")
    parser.add_argument("--large", type=float, help="how much of the full number of things stored before (1)")
    parser.add_argument("--short", action="store_true", help="a minute in all: shows that results are right")
    parser.add_argument("--show", action="store_true", help="measure nothing, show what the folder holds")
    parser.add_argument("--publish", action="store_true", help=f"write tables and plots to {publish.PUBLISHED.name}/")
    parser.add_argument("--out", type=Path, default=DEFAULT_ROOT / "bench", help="the folder of results")
    parser.add_argument("--root", type=Path, default=DEFAULT_ROOT / "bench-stack", help="the folder of the servers")
    return parser


if __name__ == "__main__":
    sys.exit(main())
