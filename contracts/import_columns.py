"""Which columns of a file mean what: as the options say, otherwise by names that leave no doubt."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from contracts.import_files import NotImportable

_KNOWN = {
    "name": ("name", "company", "company_name", "security"),
    "id": ("id", "company_id", "cik"),
    "seat_limit": ("seat_limit", "seats"),
}
_NEEDED = ("name", "id")


@dataclass(frozen=True, slots=True)
class Wishes:
    """The columns that the options name."""

    name: str | None = None
    id: str | None = None
    seat_limit: str | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """What is read from which column."""

    name: str
    id: str
    seat_limit: str | None

    def picked(self) -> dict[str, str]:
        """What is read, with the column that it is read from."""
        columns = {"name": self.name, "id": self.id, "seat_limit": self.seat_limit}
        return {field: column for field, column in columns.items() if column is not None}


def columns_of(header: Iterable[str], wishes: Wishes) -> Columns:
    """The columns of a header. Raises NotImportable when one is missing or stands there twice."""
    columns = list(header)
    found = {field: _column(field, columns, getattr(wishes, field)) for field in _KNOWN}
    for field in _NEEDED:
        if found[field] is None:
            raise NotImportable(
                f"Which column holds the company's {field}? Say --{field}-column, one of: {', '.join(columns)}"
            )
    for column in filter(None, found.values()):
        if columns.count(column) > 1:
            raise NotImportable(f"The header names the column {column} twice.")
    return Columns(str(found["name"]), str(found["id"]), found["seat_limit"])


def _column(field: str, columns: list[str], wish: str | None) -> str | None:
    if wish is not None:
        if wish not in columns:
            raise NotImportable(f"There is no column {wish}; there are: {', '.join(columns)}")
        return wish
    by_name = {column.strip().casefold().replace(" ", "_"): column for column in reversed(columns)}
    return next((by_name[known] for known in _KNOWN[field] if known in by_name), None)


def from_csv(values: dict[str, str], columns: Columns) -> dict[str, Any]:
    """The fields of a company from a row of CSV; other columns are left out."""
    fields: dict[str, Any] = {field: values[column] for field, column in columns.picked().items()}
    limit = fields.pop("seat_limit", "").strip()
    return {**fields, "seat_limit": int(limit) if limit.isdecimal() else limit} if limit else fields


def from_json_line(values: dict[str, Any], columns: Columns) -> dict[str, Any]:
    """The fields of a company from a JSON object; what it holds besides stays, to be refused if it is not known."""
    fields = {column: field for field, column in columns.picked().items()}
    return {fields.get(key, key): value for key, value in values.items()}
