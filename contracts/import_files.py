"""Reading files of companies, CSV or JSON Lines, row by row: what cannot be read keeps its line number."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic_core import from_json

_BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"


class NotImportable(Exception):
    """The file as a whole cannot be imported; nothing of it was sent."""


@dataclass(frozen=True, slots=True)
class Row:
    """The values of a row by their column or key, and the line on which it begins."""

    line: int
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row of which nothing can be made."""

    line: int
    reason: str


class Lines:
    """The lines of a file as text. Bytes that are not UTF-8 become lone surrogates, so that their row can be told."""

    def __init__(self, file: Iterable[bytes]) -> None:
        self._file = file

    def __iter__(self) -> Iterator[str]:
        for number, line in enumerate(self._file):
            text = line.decode("utf-8", "surrogateescape")
            yield text if number else text.removeprefix(_BOM)


class Rows(Protocol):
    """The rows of a file; where it has a header, the columns that it names."""

    @property
    def header(self) -> list[str] | None: ...

    def __iter__(self) -> Iterator[Row | Unreadable]: ...


class JsonRows:
    """JSON Lines: one object a line; empty lines are skipped."""

    header = None

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def __iter__(self) -> Iterator[Row | Unreadable]:
        for number, line in enumerate(self._lines, start=1):
            if line.strip():
                yield self._row(number, line)

    def _row(self, number: int, line: str) -> Row | Unreadable:
        if _broken(line):
            return Unreadable(number, "not UTF-8")
        try:
            found = from_json(line, allow_inf_nan=False)
        except ValueError as failure:
            return Unreadable(number, f"no JSON: {failure}")
        return Row(number, found) if isinstance(found, dict) else Unreadable(number, "not a JSON object")


class CsvRows:
    """CSV whose first row names the columns; empty rows are skipped. Raises NotImportable without a header."""

    def __init__(self, lines: Lines, delimiter: str) -> None:
        # strict: a quote that is never closed is an error, instead of a field that swallows the rest of the file.
        self._reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            self.header: list[str] | None = [column.strip() for column in next(self._reader)]
        except StopIteration:
            raise NotImportable("The file is empty: its first row names the columns.") from None
        except csv.Error as failure:
            raise NotImportable(f"The first row cannot be read: {failure}") from None
        if any(map(_broken, self.header or ())):
            raise NotImportable("The file is not UTF-8.")

    def __iter__(self) -> Iterator[Row | Unreadable]:
        while True:
            line = self._reader.line_num + 1
            try:
                fields = next(self._reader)
            except StopIteration:
                return
            except csv.Error as failure:
                yield Unreadable(line, f"{failure}{self._span(line)}")
                continue
            if fields:
                yield self._row(line, fields)

    def _row(self, line: int, fields: list[str]) -> Row | Unreadable:
        assert self.header is not None
        if any(map(_broken, fields)):
            return Unreadable(line, "not UTF-8")
        if len(fields) != len(self.header):
            return Unreadable(line, f"{len(fields)} columns where the header has {len(self.header)}{self._span(line)}")
        return Row(line, dict(zip(self.header, fields, strict=True)))

    def _span(self, line: int) -> str:
        last = self._reader.line_num
        return f" (lines {line} to {last})" if last > line else ""


def _broken(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text) if not text.isascii() else False


def kind_of(path: Path) -> str:
    """`csv` or `jsonl`, by the name of the file. Raises NotImportable."""
    kinds = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
    kind = kinds.get(path.suffix.lower())
    if kind is None:
        raise NotImportable(f"What is {path.name}? Say --format csv or --format jsonl")
    return kind
