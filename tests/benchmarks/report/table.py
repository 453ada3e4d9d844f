"""A table of text, shown in a terminal or written as Markdown."""

from dataclasses import dataclass

from rich.table import Table as Shown


@dataclass(frozen=True)
class Table:
    """A title, column heads and rows; the first column is text, the others are figures."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]

    def shown(self) -> Shown:
        """For a terminal."""
        shown = Shown(title=self.title, title_justify="left")
        for number, column in enumerate(self.columns):
            shown.add_column(column, justify="right" if number else "left")
        for row in self.rows:
            shown.add_row(*row)
        return shown

    def markdown(self) -> str:
        """For a file."""
        rules = ["---", *("---:" for _ in self.columns[1:])]
        lines = [f"| {' | '.join(cells)} |" for cells in (self.columns, tuple(rules), *self.rows)]
        return "\n".join([f"**{self.title}**", "", *lines, ""])
