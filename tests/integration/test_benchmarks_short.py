"""The benchmark in its short form: every row runs, and every result is right. Nothing here asserts that it is fast."""

from pathlib import Path

import pytest

from tests.benchmarks.__main__ import measured
from tests.benchmarks.bench import SHORT
from tests.benchmarks.report import folder, publish, tables
from tests.benchmarks.rows.all import ROWS
from tests.support import servers


@pytest.mark.integration
@pytest.mark.timeout(240)  # a minute (66 s without the optional peers, on two cores)
def test_every_row_measures_what_is_right(tmp_path: Path) -> None:
    assert measured(list(ROWS.values()), SHORT, tmp_path / "rows", servers.test_root() / "benchmarks") == []

    outcomes = folder.load(tmp_path / "rows", ROWS)

    assert [outcome.row for outcome in outcomes] == list(ROWS)
    figures = [figure for outcome in outcomes for sample in outcome.samples for figure in sample.figures.items()]
    # How much memory grew may well be nothing.
    assert [(name, value) for name, value in figures if value <= 0 and not name.endswith("MiB more")] == []
    assert len(tables.goals(outcomes).rows) == sum(len(row.goals) for row in ROWS.values())
    assert {"results.md", "results.json"} <= {file.name for file in publish.write(outcomes, tmp_path)}
