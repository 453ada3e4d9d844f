"""From the rows of a file to what is sent for them."""

from collections.abc import Iterator

from contracts.import_columns import Columns, Wishes, columns_of, from_csv, from_json_line
from contracts.import_files import NotImportable, Row, Rows, Unreadable
from contracts.import_outcomes import RowOutcome, invalid, unreadable
from contracts.import_plan import InvalidRow, Planned, plan


def items_of(rows: Rows, columns: Columns | None, wishes: Wishes) -> Iterator[Planned | RowOutcome]:
    """What is to be sent, row by row; `columns` are those of a header, without one every row names its own."""
    for row in rows:
        yield unreadable(row) if isinstance(row, Unreadable) else _item(row, columns, wishes)


def _item(row: Row, columns: Columns | None, wishes: Wishes) -> Planned | RowOutcome:
    try:
        if columns is not None:
            return plan(row.line, from_csv(row.values, columns), columns.id)
        own = columns_of(row.values, wishes)
        return plan(row.line, from_json_line(row.values, own), own.id)
    except InvalidRow as failure:
        return invalid(row.line, row.values.get(columns.name) if columns else None, failure.errors)
    except NotImportable as failure:
        return unreadable(Unreadable(row.line, str(failure)))
