"""What is made of results: tables, the cost model, files."""

import importlib.util
import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.benchmarks.bench import Plan
from tests.benchmarks.report import folder, model, publish, tables
from tests.benchmarks.results import Goal
from tests.benchmarks.rows.all import ROWS
from tests.unit.benchmarks.outcomes import outcome

_GOALS = (Goal("commands/s", "naive", least=15), Goal("commands/s", "naive", least=25))


def test_the_goals_say_what_was_reached_and_what_was_not() -> None:
    lines = tables.goals([outcome(*_GOALS)]).rows
    assert lines == [
        ("what was measured: commands/s", "2,000 (1,500–3,000)", "100", "20 (15–30)", "≥ 15 × naive", "yes"),  # noqa: RUF001
        ("what was measured: commands/s", "2,000 (1,500–3,000)", "100", "20 (15–30)", "≥ 25 × naive", "**no**"),  # noqa: RUF001
    ]


def test_a_goal_that_was_not_measured_is_left_out() -> None:
    assert tables.goals([outcome(Goal("commands/s", "ceiling", least=0.5))]).rows == []


def test_the_model_says_how_many_cores_a_load_takes() -> None:
    (table,) = model.tables([outcome()])
    assert table.rows == [
        ("service", "500", "7.14", "71.4"),
        ("postgres", "250", "3.57", "35.7"),
        ("all", "750", "10.7", "107"),
    ]


def test_what_the_host_withheld_is_said_beside_what_the_processes_used() -> None:
    measured = outcome()
    for one, seconds in zip(measured.of("naive"), (0.0, 0.6, 1.0), strict=True):
        one.usage.stolen, one.usage.idle = seconds, seconds / 2
    rows = tables.usage(measured).rows
    assert rows[1:4] == [
        ("registrar", "postgres", "250", "0.12", "60"),
        ("registrar", "stolen by the host", "", "0", ""),
        ("registrar", "idle", "", "0", ""),
    ]
    assert rows[-2:] == [
        ("naive", "stolen by the host", "", "0.3 (0–0.5)", ""),  # noqa: RUF001
        ("naive", "idle", "", "0.15 (0–0.25)", ""),  # noqa: RUF001
    ]
    assert [str(one).endswith(" cores stolen)") for one in measured.of("naive")] == [False, True, True]


def test_a_table_is_markdown_that_readers_render() -> None:
    lines = tables.figures(outcome()).markdown().splitlines()
    assert lines[2:5] == [
        "| subject | commands/s | rounds |",
        "| --- | ---: | ---: |",
        "| registrar | 2,000 (1,500–3,000) | 3 |",  # noqa: RUF001
    ]


def test_rows_that_were_measured_one_at_a_time_are_one_table(tmp_path: Path) -> None:
    made = folder.made(Plan(), "0123abc")
    for row in ("batches", "single"):
        one = outcome(row=row)
        one.made.update(made)
        folder.save(tmp_path, one)
    loaded = folder.load(tmp_path, ROWS)
    assert [one.row for one in loaded] == ["single", "batches"]
    assert loaded[0].goals == ROWS["single"].goals
    assert loaded[0].samples == outcome().samples


def test_a_page_says_of_which_code_its_rows_are() -> None:
    one, two = outcome(row="single"), outcome(row="batches")
    assert "at 0123abc, 2026" in publish.markdown([one, two])
    two.made["commit"] = "4567def-dirty"
    assert "at 0123abc, 4567def-dirty, 2026" in publish.markdown([one, two])
    del two.made["commit"]  # a row that was measured before results said it
    assert "at 0123abc, an unknown commit, 2026" in publish.markdown([one, two])


def test_a_commit_is_named_with_what_differs_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert folder.commit(tmp_path) == "no checkout"
    file = tmp_path / "file"
    file.write_text("one")
    for step in ("init -q", "add file", "-c user.name=n -c user.email=e@e commit -q -m one"):
        subprocess.run(["git", "-C", str(tmp_path), *step.split()], check=True)
    clean = folder.commit(tmp_path)
    assert re.fullmatch("[0-9a-f]{7,}", clean)
    file.write_text("two")
    assert folder.commit(tmp_path) == f"{clean}-dirty"
    monkeypatch.setenv("PATH", "")
    assert folder.commit(tmp_path) == "no checkout"


def test_everything_is_written_for_the_readme(tmp_path: Path) -> None:
    outcomes = [outcome(row=row) for row in ROWS if row not in ("scale", "sizes")]
    written = {file.name for file in publish.write(outcomes, tmp_path)}
    assert {"results.md", "results.json"} <= written
    # Plots need the optional group bench.
    assert ("single.png" in written) == (importlib.util.find_spec("matplotlib") is not None)
    assert all((tmp_path / name).stat().st_size for name in written)
    assert [one["row"] for one in json.loads((tmp_path / "results.json").read_text())] == [one.row for one in outcomes]
