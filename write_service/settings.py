"""The settings of the write service: REGISTRAR_* variables, read and checked once."""

from typing import Annotated, Literal, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

Seconds = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
AmqpUrl = Annotated[str, Field(pattern=r"^amqps?://[^/]", repr=False)]
PostgresUrl = Annotated[str, Field(pattern=r"^postgres(ql)?(\+asyncpg)?://", repr=False)]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
S = TypeVar("S", bound=BaseSettings)


class InvalidSettings(Exception):
    """A variable is missing or cannot be read; the message names each one."""


class Settings(BaseSettings):
    """What `serve` and `parked` need. Times are seconds."""

    model_config = SettingsConfigDict(env_prefix="REGISTRAR_", extra="ignore", frozen=True)

    amqp_url: AmqpUrl
    postgres_url: PostgresUrl
    http_host: str = "127.0.0.1"
    http_port: Annotated[int, Field(ge=0, le=65_535)] = 8081
    log_level: LogLevel = "INFO"

    prefetch: Annotated[int, Field(ge=1, le=65_535)] = 200  # messages in one process: 50 MiB at most
    batch_size: Count = 500  # commands in one transaction
    postgres_timeout: Seconds = 10
    confirm_timeout: Seconds = 10
    publish_window: Count = 64  # event messages that wait for their confirm at once

    sweep_every: Seconds = 2
    sweep_grace: Seconds = 15  # longer than the confirm timeout, or sweeps publish twice what is still under way
    sweep_page: Count = 500
    rejections_kept: Seconds = 30 * 24 * 3600
    purge_every: Seconds = 30

    look_every: Seconds = 5  # at how much waits in the outbox and in custody
    start_within: Seconds = 60  # for a broker that is just starting

    stop_within: Seconds = 25  # below the 30 s after which container platforms kill
    deaths_allowed: Count = 2  # lone runs of one command that may end the process before it is parked unrun
    crash_on_actor: str | None = None  # for tests: a command with this actor kills the process


class SetupSettings(BaseSettings):
    """What `setup` needs: migrations run as the owner of the tables, not as the service."""

    model_config = SettingsConfigDict(env_prefix="REGISTRAR_", extra="ignore", frozen=True)

    amqp_url: AmqpUrl
    postgres_setup_url: PostgresUrl
    setup_within: Seconds = 60  # for servers that are just starting


def load(kind: type[S]) -> S:
    """The settings as the environment gives them. Raises InvalidSettings."""
    try:
        return kind()
    except ValidationError as failure:
        raise InvalidSettings("; ".join(_line(fault) for fault in failure.errors(include_url=False))) from None


def _line(fault: object) -> str:
    assert isinstance(fault, dict)
    name = f"REGISTRAR_{str(fault['loc'][0]).upper()}"
    return f"{name} is missing" if fault["type"] == "missing" else f"{name}: {fault['msg']}"
