"""Tables for people: one thing as name and value, a page as rows. What they show came from others: never markup."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

_TIME = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)[.\d]*(Z|\+00:00)$")

# What stands in every row, is long, and is read by programs only: they have --json.
_FOR_PROGRAMS = ("event_id", "command_id")


def plain(value: Any) -> Text:
    """A value as text without effects: what a terminal would obey is shown as a question mark."""
    text = "" if value is None else str(value)
    return Text("".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text))


def fields_table(thing: Mapping[str, Any], title: str | None = None) -> Table:
    """One thing: its fields, one a line."""
    table = Table(title=title, show_header=False, title_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in flat(thing).items():
        table.add_row(plain(name), plain(_short(value)))
    return table


def rows_table(rows: Sequence[Mapping[str, Any]], title: str | None = None) -> Table:
    """Many things of one kind, one a line; what none of them has is left out."""
    names = dict.fromkeys(name for row in rows for name, value in row.items() if value not in (None, {}))
    shown = [name for name in names if name not in _FOR_PROGRAMS]
    table = Table(title=title, title_justify="left")
    for name in shown:
        table.add_column(plain(name), overflow="fold", no_wrap=name.endswith("_id"))
    for row in rows:
        table.add_row(*(plain(_short(row.get(name))) for name in shown))
    return table


def result_tables(result: Mapping[str, Any]) -> Iterable[RenderableType]:
    """What a query answered: a page, or one thing with the lists that belong to it."""
    if set(result) == {"items", "next_cursor"}:
        yield rows_table(result["items"]) if result["items"] else Text("nothing")
        if result["next_cursor"]:
            yield plain(f"More with --cursor {result['next_cursor']}")
        return
    lists = {name: value for name, value in result.items() if isinstance(value, list)}
    yield fields_table({name: value for name, value in result.items() if name not in lists})
    for name, rows in lists.items():
        yield rows_table(rows, name) if rows else plain(f"{name}: nothing")


def flat(thing: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """The fields with those of inner objects beside them, as `company.name`; objects that only count stay whole."""
    found: dict[str, Any] = {}
    for name, value in thing.items():
        if isinstance(value, Mapping) and not all(isinstance(inner, int) for inner in value.values()):
            found.update(flat(value, f"{before}{name}."))
        else:
            found[before + name] = value
    return found


def _short(value: Any) -> Any:
    if isinstance(value, list):
        return "; ".join(_error(item) if isinstance(item, Mapping) else str(item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_short(inner)}" for name, inner in value.items() if inner is not None)
    return _TIME.sub(r"\1 \2", value) if isinstance(value, str) else value


def _error(item: Mapping[str, Any]) -> str:
    return " ".join(str(part) for part in (".".join(map(str, item.get("loc", ()))), item.get("msg", item)) if part)
