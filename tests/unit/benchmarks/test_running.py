"""Running rows: each is saved, and one that fails neither counts nor costs the others."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.stack import Trouble
from tests.benchmarks import __main__ as running
from tests.benchmarks.bench import SHORT, Bench, Plan, Row
from tests.benchmarks.report import folder
from tests.benchmarks.results import Sample
from tests.benchmarks.rows import queries, step
from tests.benchmarks.rows.all import ROWS
from tests.benchmarks.stores import Wrong
from tests.unit.benchmarks.outcomes import sample


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The roots of the servers that were started; none of them is real."""
    roots: list[Path] = []

    @contextlib.contextmanager
    def servers(root: Path) -> Iterator[object]:
        roots.append(root)
        yield object()

    monkeypatch.setattr(running, "fresh_servers", servers)
    return roots


async def _right(bench: Bench) -> list[Sample]:
    assert bench.seed() != bench.seed()
    return [sample("registrar", 10)]


async def _wrong(_: Bench) -> list[Sample]:
    raise Wrong("two documents are missing")


def _row(name: str, *, alone: bool = False) -> Row:
    return Row(name, name, _wrong if name == "wrong" else _right, alone=alone)


def test_a_wrong_result_is_reported_and_the_rows_after_it_begin_afresh(tmp_path: Path, starts: list[Path]) -> None:
    rows = {name: _row(name) for name in ("first", "wrong", "last")}
    failed = running.measured(list(rows.values()), SHORT, tmp_path, tmp_path / "root")
    assert failed == ["wrong: Wrong: two documents are missing"]
    assert [outcome.row for outcome in folder.load(tmp_path, rows)] == ["first", "last"]
    assert len(starts) == 2


def test_rows_that_fill_the_stores_have_servers_of_their_own(tmp_path: Path, starts: list[Path]) -> None:
    rows = [_row("one", alone=True), _row("two"), _row("three"), _row("four", alone=True)]
    assert running.measured(rows, Plan(), tmp_path, tmp_path / "root") == []
    assert len(starts) == 3


def test_results_say_what_was_checked_out_when_the_run_began(
    tmp_path: Path, starts: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    checked_out = iter(("0123abc", "4567def"))
    monkeypatch.setattr(folder, "commit", lambda: next(checked_out))
    rows = {name: _row(name) for name in ("first", "last")}
    assert running.measured(list(rows.values()), SHORT, tmp_path, tmp_path / "root") == []
    assert [outcome.made["commit"] for outcome in folder.load(tmp_path, rows)] == ["0123abc", "0123abc"]


def test_queries_are_counted_from_the_second_time_around() -> None:
    ids = ["a", "b"]
    assert queries.repeated(Plan(size=0.001), ids) == [*ids, *ids]
    assert queries.counted([9.0, 8.0, 1.0, 2.0], ids) == [1.0, 2.0]


async def test_measurements_alternate_and_warm_ups_do_not_count() -> None:
    order: list[str] = []

    async def measured(name: str) -> list[Sample]:
        order.append(name)
        return [sample(name, len(order))]

    bench = Bench(object(), Plan(rounds=2, warmups=1), say=lambda _: None)  # type: ignore[arg-type]
    samples = await bench.alternate({"a": lambda: measured("a"), "b": lambda: measured("b")})
    assert order == ["b", "a", "a", "b", "b", "a"]
    assert [one.subject for one in samples] == ["a", "b", "b", "a"]


def test_a_row_may_want_more_rounds_and_the_short_form_stays_short() -> None:
    assert Plan(rounds=3).oftener(3).rounds == 9
    assert SHORT.oftener(3) == SHORT


def test_all_names_every_row_and_nothing_those_of_every_day() -> None:
    everyday = [row.name for row in ROWS.values() if row.by_default]
    assert [row.name for row in running.rows([])] == everyday
    assert [row.name for row in running.rows(["all"])] == list(ROWS)
    assert [row.name for row in running.rows(["single"])] == ["single"]
    assert len(everyday) < len(ROWS)


def test_a_library_that_is_missing_stops_the_row_and_is_left_out_of_the_short_form_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(step, "LIBRARIES", (step.Library("lost", "lost", "no_such_package", "", 1),))
    said: list[str] = []
    with pytest.raises(Trouble, match=r"lost is not installed: .*install.sh bench"):
        step.present(Bench(None, Plan()))  # type: ignore[arg-type]
    assert step.present(Bench(None, SHORT, said.append)) == []  # type: ignore[arg-type]
    assert "lost is not installed" in said[0]
