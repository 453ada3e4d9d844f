"""What an import shows: a progress bar while it runs in a terminal, every row as JSON if asked for, a summary."""

import json
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from contracts.cli_options import console
from contracts.import_columns import Columns
from contracts.import_outcomes import RowOutcome, Summary
from contracts.tables import plain

_UNFINISHED = ("unanswered", "not_sent")


class Report:
    """Hears what became of rows, and shows it. Where JSON is wanted, tables go to the error output."""

    def __init__(self, lines: int, *, as_json: bool, failures: Path | None) -> None:
        self.summary = Summary()
        self.started = time.monotonic()
        self.last_line = 0
        self._as_json = as_json
        self._failures_path = failures
        self._failures: IO[str] | None = None
        self._answered = 0
        self._console = console(stderr=as_json)
        screen = console(stderr=True)
        self._progress = Progress(
            TextColumn("Importing"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("lines, {task.fields[commands]} commands, {task.fields[failed]} rows failed"),
            TimeElapsedColumn(),
            console=screen,
            disable=as_json and not screen.is_terminal,  # where nobody looks it is one line, at the end
        )
        self._task = self._progress.add_task("", total=max(lines, 1), commands=0, failed=0)

    def __enter__(self) -> Self:
        if self._failures_path is not None:
            self._failures = self._failures_path.open("w", encoding="utf-8")
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
        if self._failures is not None:
            self._failures.close()
        if self.last_line or kind is None:
            self._show()

    def begin(self, columns: Columns | None) -> None:
        """Say where names and ids come from."""
        if columns is not None and not self._as_json:
            read = ", ".join(f"{field} from the column {column}" for field, column in columns.picked().items())
            self._console.print(plain(f"Reading {read}."))

    def answered(self, commands: int) -> None:
        """So many more commands were answered."""
        self._answered += commands
        self._progress.update(self._task, commands=self._answered)

    def row(self, row: RowOutcome) -> None:
        """Count a row, and write it where it is wanted."""
        self.summary.add(row)
        self.last_line = row.line
        self._progress.update(self._task, completed=row.line, failed=self.summary.failed)
        if self._as_json or (self._failures is not None and row.status != "accepted"):
            line = json.dumps(row.to_wire(), ensure_ascii=False)
            if self._as_json:
                print(line)
            if self._failures is not None and row.status != "accepted":
                print(line, file=self._failures)

    def _show(self) -> None:
        seconds = time.monotonic() - self.started
        if self.summary.bad:
            self._console.print(self._bad_rows())
        if self.summary.more_bad:
            self._console.print(plain(f"and {self.summary.more_bad} more rows; --failures FILE writes all of them"))
        self._console.print(self._counts(seconds))

    def _bad_rows(self) -> Table:
        table = Table(title="Rows that were not accepted", title_justify="left")
        for heading in ("line", "company", "what became of it", "why"):
            table.add_column(heading, overflow="fold")
        for row in self.summary.bad:
            what = f"{row.status} by an import before" if row.repeated else row.status
            why = f"{row.code}: {row.why}" if row.code else row.why
            table.add_row(str(row.line), plain(row.name), plain(what), plain(why))
        return table

    def _counts(self, seconds: float) -> Table:
        table = Table(title="Import", title_justify="left")
        table.add_column("")
        for heading in ("rows", "commands", "repeated"):
            table.add_column(heading, justify="right")
        counted = (self.summary.rows, self.summary.commands, self.summary.repeated)
        rows, commands, _ = counted
        for label in dict.fromkeys([*sorted(rows), *sorted(commands)]):
            table.add_row(label.replace("_", " "), *(str(counts[label] or "") for counts in counted))
        table.add_section()
        table.add_row("together", *(str(counts.total()) for counts in counted))
        done = commands.total() - sum(commands[label] for label in _UNFINISHED)
        table.add_row("a second", "", f"{done / max(seconds, 0.001):,.0f}")
        return table
