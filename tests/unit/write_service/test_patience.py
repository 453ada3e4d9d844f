"""Servers that are just starting, that never start, and that refuse us."""

import asyncpg
import pytest
from aio_pika.exceptions import ProbableAuthenticationError

from write_service.entrypoints import patience
from write_service.entrypoints.patience import Unreachable, patiently
from write_service.settings import InvalidSettings, Settings, SetupSettings, load


class Server:
    def __init__(self, *answers: Exception) -> None:
        self.answers = list(answers)

    async def __call__(self) -> str:
        if self.answers:
            raise self.answers.pop(0)
        return "here"


async def test_a_server_that_is_just_starting_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSE_SECONDS", 0)
    starting = Server(ConnectionRefusedError(), asyncpg.CannotConnectNowError("starting up"), TimeoutError())
    assert await patiently("Postgres", starting, within=5) == "here"


async def test_a_server_that_does_not_come_is_given_up_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSE_SECONDS", 0)
    with pytest.raises(Unreachable, match=r"^Postgres is not reachable: ConnectionRefusedError: two lines$"):
        await patiently("Postgres", Server(*[ConnectionRefusedError("two\nlines")] * 100_000), within=0.05)


@pytest.mark.parametrize(
    "refusal",
    [asyncpg.InvalidPasswordError("no"), asyncpg.InvalidCatalogNameError("no"), ProbableAuthenticationError("no")],
)
async def test_a_server_that_refuses_us_is_not_asked_again(refusal: Exception) -> None:
    server = Server(refusal)
    with pytest.raises(Unreachable):
        await patiently("It", server, within=60)
    assert server.answers == []


def test_settings_say_what_is_wrong_and_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRAR_AMQP_URL", "http://user:secret@host/")
    monkeypatch.delenv("REGISTRAR_POSTGRES_URL", raising=False)
    monkeypatch.setenv("REGISTRAR_PREFETCH", "0")
    with pytest.raises(InvalidSettings) as caught:
        load(Settings)
    said = str(caught.value)
    assert "REGISTRAR_POSTGRES_URL is missing" in said
    assert "REGISTRAR_AMQP_URL: String should match" in said
    assert "REGISTRAR_PREFETCH: Input should be greater" in said
    assert "secret" not in said
    monkeypatch.setenv("REGISTRAR_AMQP_URL", "amqp://user:secret@host/")
    monkeypatch.setenv("REGISTRAR_POSTGRES_SETUP_URL", "postgresql+asyncpg://owner:secret@host/registrar")
    assert "secret" not in repr(load(SetupSettings))
