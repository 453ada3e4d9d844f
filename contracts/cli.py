"""The command line `registrar`: send commands, ask queries, import files.

Exit codes: 0 fine; 1 rejected, invalid or not found, or rows that failed; 2 typed wrongly; 3 no broker or no answer.
"""

import logging
import sys

import typer

from contracts.cli_ask import ask
from contracts.cli_import import import_file
from contracts.cli_options import Exit
from contracts.cli_send import send
from contracts.failures import ClientError

app = typer.Typer(
    help="Talk to Registrar over its message bus.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("send")(send)
app.command("ask")(ask)
app.command("import")(import_file)


def main() -> None:
    """The entry point."""
    logging.getLogger().addHandler(logging.NullHandler())  # what goes wrong is said once, by us
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        app()
    except ClientError as failure:
        print(failure, file=sys.stderr)
        sys.exit(Exit.UNREACHABLE)
