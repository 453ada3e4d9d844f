"""Everything that is made of a folder of results: tables in the terminal, Markdown, JSON and plots for the README."""

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from tests.benchmarks.report import model, tables
from tests.benchmarks.results import Outcome

PUBLISHED = Path(__file__).parents[1] / "results"


def show(outcomes: Sequence[Outcome]) -> None:
    """Print all tables."""
    console = Console(width=None if Console().is_terminal else 180)
    for table in (*tables.of(outcomes), *model.tables(outcomes)):
        console.print(table.shown())


def write(outcomes: Sequence[Outcome], folder: Path) -> list[Path]:
    """Write results.md, results.json and the plots; the files. Without matplotlib there are no plots."""
    folder.mkdir(parents=True, exist_ok=True)
    page, data = folder / "results.md", folder / "results.json"
    page.write_text(markdown(outcomes))
    data.write_text(json.dumps([_without_samples(outcome) for outcome in outcomes], indent=1) + "\n")
    if importlib.util.find_spec("matplotlib") is None:
        return [page, data]
    from tests.benchmarks.report import plots  # noqa: PLC0415 - its library belongs to the optional group bench

    return [page, data, *plots.draw(outcomes, folder)]


def markdown(outcomes: Sequence[Outcome]) -> str:
    """All tables as a page."""
    parts = [f"# Measured\n\n{_made(outcomes)}\n"]
    parts += [table.markdown() for table in (*tables.of(outcomes), *model.tables(outcomes))]
    return "\n".join(parts)


def _made(outcomes: Sequence[Outcome]) -> str:
    if not outcomes:
        return "Nothing has been measured yet."
    made, dates = outcomes[0].made, sorted(outcome.made["at"] for outcome in outcomes)
    commits = ", ".join(sorted({outcome.made.get("commit", "an unknown commit") for outcome in outcomes}))
    return (
        f"By `make bench` at {commits}, {dates[0]} to {dates[-1]}: {made['cores']} cores of {made['processor']}, "
        f"{made['memory_gib']} GiB, Python {made['python']}; servers, services and load generator share them. "
        "Medians, with least and most of the rounds in brackets."
    )


def _without_samples(outcome: Outcome) -> dict[str, object]:
    return {name: value for name, value in outcome.as_json().items() if name != "samples"}
