"""The settings of the read service: environment variables that begin with REGISTRAR_."""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, PositiveFloat, PositiveInt, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _parts(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


S = TypeVar("S", bound=BaseSettings)
AmqpUrl = Annotated[str, StringConstraints(pattern=r"^amqps?://.+")]
MongoUrl = Annotated[str, StringConstraints(pattern=r"^mongodb(\+srv)?://[^/]+/[^/?]+")]  # its path is the database
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
ApiKeyHash = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9_.-]{1,64}:)?[0-9a-f]{64}$")]
# Asymmetric ones only: with a published key set, an HMAC "signature" could be made by anybody who reads it.
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class InvalidSettings(Exception):
    """A variable is missing or cannot be read; the message names each one."""


class SetupSettings(BaseSettings):
    """What `setup` needs. URLs hold passwords and are not printed."""

    model_config = SettingsConfigDict(env_prefix="REGISTRAR_", frozen=True, extra="ignore", hide_input_in_errors=True)

    amqp_url: AmqpUrl = Field(repr=False)
    mongo_url: MongoUrl = Field(repr=False, description="the projector's role; the path names the database")
    log_level: LogLevel = "INFO"
    outcomes_kept: PositiveFloat = 30 * 24 * 3600  # seconds that rejected and unchanged commands are remembered


class Settings(SetupSettings):
    """Everything that differs between installations."""

    mongo_views_url: MongoUrl = Field(repr=False, description="a role that may only find")

    http_host: str = "127.0.0.1"
    http_port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    stop_seconds: PositiveFloat = 20.0  # the bound on a graceful stop

    # Who may ask over HTTP. With neither keys nor an issuer only this machine may.
    http_api_keys: Annotated[list[ApiKeyHash], NoDecode, BeforeValidator(_parts)] = Field(
        default=[], repr=False, description="[name:]sha256 in hex of each key, separated by commas"
    )
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    jwt_jwks: str | None = Field(default=None, description="an https address or a file")
    jwt_algorithms: Annotated[list[Algorithm], NoDecode, BeforeValidator(_parts)] = ["RS256", "ES256"]
    jwt_scope: str | None = Field(default=None, description="a scope that a token must carry")

    query_time_limit_ms: PositiveInt = 3_000  # on the database, per read
    query_prefetch: PositiveInt = 200
    queries_in_flight: PositiveInt = 2_000  # of the bus, waiting ones included
    waiters: PositiveInt = 1_000
    positions_poll_ms: PositiveInt = 10  # how often other replicas' progress is looked at while somebody waits

    # Messages, as many live ones as sent again, 50 MiB of each at most; with more replicas fall apart under a backlog.
    event_prefetch: PositiveInt = 200

    # What is missing, in seconds: a gap older than the moment is asked for; the versions of companies that changed
    # since all was complete (so long ago at most) are compared every few seconds, those of all companies now and then.
    gap_moment: PositiveFloat = 3.0
    heads_every: PositiveFloat = 5.0
    heads_overlap: PositiveFloat = 30.0
    heads_walk_every: PositiveFloat = 3600.0


def load(kind: type[S]) -> S:
    """The settings as the environment gives them. Raises InvalidSettings."""
    try:
        return kind()
    except ValidationError as failure:
        raise InvalidSettings("; ".join(map(_line, failure.errors(include_url=False, include_input=False)))) from None


def _line(fault: Any) -> str:
    name = f"REGISTRAR_{str(fault['loc'][0]).upper()}"
    return f"{name} is missing" if fault["type"] == "missing" else f"{name}: {fault['msg']}"
