"""Who may ask over HTTP: bearers of an API key, or of a JWT from a known issuer."""

import hashlib
import hmac
import ipaddress
from collections.abc import Sequence

import jwt
import structlog
from starlette.datastructures import Headers

from read_service.entrypoints.jwks import KeySet, UnknownKey
from read_service.settings import InvalidSettings, Settings

log = structlog.get_logger()


class Unauthorized(Exception):
    """Nothing shows who asks."""


class Forbidden(Exception):
    """Whoever asks may not."""


class OpenToOthers(Exception):
    """The service would answer other machines without asking who they are."""


class ApiKeys:
    """Keys of high entropy, of which only the SHA-256 is kept."""

    def __init__(self, hashes: Sequence[str]) -> None:
        self._hashes = [bytes.fromhex(entry.rpartition(":")[2]) for entry in hashes]

    def know(self, key: str) -> bool:
        """Whether the key is one of ours. Takes the same time whichever it is, and when it is none."""
        digest = hashlib.sha256(key.encode()).digest()
        return sum(hmac.compare_digest(digest, known) for known in self._hashes) > 0


class Jwt:
    """JSON web tokens of one issuer, for one audience, by pinned algorithms."""

    def __init__(self, keys: KeySet, *, issuer: str, audience: str, algorithms: Sequence[str], scope: str | None):
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._algorithms = list(algorithms)
        self._scope = scope

    async def check(self, token: str) -> None:
        """Raises Unauthorized when the token does not hold, Forbidden when it lacks the scope."""
        try:
            key = await self._keys.key(str(jwt.get_unverified_header(token).get("kid")))
            claims = jwt.decode(
                token,
                key,
                algorithms=self._algorithms,
                issuer=self._issuer,
                audience=self._audience,
                leeway=30,
                options={"require": ["exp", "iss", "aud"]},
            )
        except (jwt.PyJWTError, UnknownKey) as failure:
            raise Unauthorized(f"the token does not hold: {failure}") from None
        if self._scope is not None and self._scope not in str(claims.get("scope", "")).split():
            raise Forbidden(f"the token needs the scope {self._scope}")


class Auth:
    """Asks for a key (`X-API-Key` or bearer) or for a token (bearer), whichever is set up."""

    def __init__(self, api_keys: ApiKeys | None, tokens: Jwt | None) -> None:
        self._api_keys = api_keys
        self._tokens = tokens

    async def check(self, headers: Headers) -> None:
        """Raises Unauthorized or Forbidden."""
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        presented = headers.get("x-api-key") or (bearer.strip() if scheme.lower() == "bearer" else "")
        if not presented:
            raise Unauthorized("send a key or a token as Authorization: Bearer …, or a key as X-API-Key")
        if self._api_keys is not None and self._api_keys.know(presented):
            return
        if self._tokens is None:
            raise Unauthorized("this key is not known")
        await self._tokens.check(presented)


def auth_of(settings: Settings) -> Auth | None:
    """What the settings ask for; None: only this machine may ask. Raises OpenToOthers or InvalidSettings."""
    api_keys = ApiKeys(settings.http_api_keys) if settings.http_api_keys else None
    tokens = _jwt_of(settings)
    if api_keys is not None or tokens is not None:
        return Auth(api_keys, tokens)
    if not is_loopback(settings.http_host):
        raise OpenToOthers(
            f"REGISTRAR_HTTP_HOST={settings.http_host} would answer everybody: set REGISTRAR_HTTP_API_KEYS or "
            "REGISTRAR_JWT_ISSUER, _AUDIENCE and _JWKS, or serve on 127.0.0.1"
        )
    log.warning("http_without_keys", host=settings.http_host, meaning="only this machine may ask, without a key")
    return None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the host. A name other than localhost counts as reachable."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _jwt_of(settings: Settings) -> Jwt | None:
    parts = (settings.jwt_issuer, settings.jwt_audience, settings.jwt_jwks)
    if not any(parts):
        return None
    issuer, audience, jwks = parts
    if not issuer or not audience or not jwks:
        raise InvalidSettings("REGISTRAR_JWT_ISSUER, REGISTRAR_JWT_AUDIENCE and REGISTRAR_JWT_JWKS go together")
    return Jwt(
        KeySet(jwks),
        issuer=issuer,
        audience=audience,
        algorithms=settings.jwt_algorithms,
        scope=settings.jwt_scope,
    )
