"""What `write-service parked` refuses before it touches anything."""

import pytest
from typer.testing import CliRunner

from write_service.__main__ import app

NOWHERE = {
    "REGISTRAR_AMQP_URL": "amqp://user:secret@127.0.0.1:1/",
    "REGISTRAR_POSTGRES_URL": "postgresql://user:secret@127.0.0.1:1/registrar",
}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["drop"], "--all"),
        (["resend"], "--all"),
        (["resend", "--dry-run"], "--all"),
        (["drop", "--dry-run"], "--all"),
        (["list", "--kind", "odd"], "unreadable"),
        (["list", "--state", "odd"], "dropped"),
        (["show", "no-id"], "UUID"),
        (["list", "--limit", "0"], "--limit"),
    ],
)
def test_what_is_not_meant_clearly_is_not_done(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(app, ["parked", *arguments], env=NOWHERE)
    assert result.exit_code == 2
    assert words in result.output
