"""Who may ask over HTTP: keys, tokens of an issuer, and the addresses that are served without either."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI
from pydantic import ValidationError

from contracts.results import Ok
from read_service.entrypoints import http, jwks
from read_service.entrypoints.auth import OpenToOthers, auth_of
from read_service.settings import InvalidSettings, Settings
from tests.unit.read_views.fakes import answering

ISSUER, AUDIENCE = "https://issuer.example", "registrar"
RSA_KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
ADDRESSES = {"amqp_url": "amqp://host/", "mongo_url": "mongodb://host/db", "mongo_views_url": "mongodb://host/db"}


def settings(**more: Any) -> Settings:
    """Settings with these among them."""
    return Settings(**{**ADDRESSES, **more})


def public(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, kid: str) -> dict[str, Any]:
    """The key as an issuer publishes it."""
    algorithm = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    written: dict[str, Any] = json.loads(algorithm.to_jwk(key.public_key()))  # type: ignore[arg-type]
    return {**written, "kid": kid}


def publish(file: Path, *keys: dict[str, Any]) -> None:
    """The issuer's keys are these."""
    write(file, json.dumps({"keys": list(keys)}))


def write(file: Path, said: str) -> None:
    """The issuer says this."""
    file.write_text(said)


def token(key: Any = RSA_KEY, *, kid: str = "rsa", algorithm: str = "RS256", **claims: Any) -> str:
    """A token that holds, unless it is made otherwise."""
    said = {"iss": ISSUER, "aud": AUDIENCE, "exp": datetime.now(UTC) + timedelta(minutes=5), "sub": "ada", **claims}
    return jwt.encode({k: v for k, v in said.items() if v is not None}, key, algorithm, headers={"kid": kid})


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """The file of an issuer with two keys."""
    file = tmp_path / "jwks.json"
    publish(file, public(RSA_KEY, "rsa"), public(EC_KEY, "ec"))
    return file


def with_tokens(keys: Path, **more: Any) -> FastAPI:
    """The application of a service that knows this issuer."""
    made = settings(jwt_issuer=ISSUER, jwt_audience=AUDIENCE, jwt_jwks=str(keys), **more)
    return http.build(answering(Ok(result={})), auth_of(made))


async def status(app: FastAPI, path: str = "/statistics", **headers: str) -> int:
    """The status of the response."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        response = await client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    if response.status_code in (401, 403):
        assert response.headers["content-type"] == "application/problem+json"
        assert "www-authenticate" in response.headers or response.status_code == 403
    return response.status_code


async def test_an_api_key_opens_as_header_and_as_bearer_and_no_other_does() -> None:
    hashed = [hashlib.sha256(key.encode()).hexdigest() for key in ("first", "second")]
    app = http.build(answering(Ok(result={})), auth_of(settings(http_api_keys=f"ci:{hashed[0]}, {hashed[1]}")))

    assert await status(app) == 401
    assert await status(app, x_api_key="first") == 200
    assert await status(app, authorization="Bearer second") == 200
    assert await status(app, authorization="bearer second") == 200
    assert await status(app, x_api_key="third") == 401
    assert await status(app, x_api_key=hashed[0]) == 401
    assert await status(app, authorization="Basic first") == 401
    assert await status(app, path="/nowhere") == 401  # what is not there is not told to strangers either


async def test_a_token_of_the_issuer_opens(keys: Path) -> None:
    app = with_tokens(keys)

    assert await status(app, authorization=f"Bearer {token()}") == 200
    assert await status(app, authorization=f"Bearer {token(EC_KEY, kid='ec', algorithm='ES256')}") == 200


def _with_the_public_key_as_secret() -> str:
    secret = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header, claims = ({"alg": "HS256", "kid": "rsa"}, jwt.decode(token(), options={"verify_signature": False}))
    signed = b".".join(jwt.utils.base64url_encode(json.dumps(part).encode()) for part in (header, claims))
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(signed, secret)
    return (signed + b"." + jwt.utils.base64url_encode(signature)).decode()


FORGED: dict[str, Callable[[], str]] = {
    "unsigned": lambda: jwt.encode(
        {"iss": ISSUER, "aud": AUDIENCE, "exp": 9_999_999_999}, "", "none", headers={"kid": "rsa"}
    ),
    "the public key as a secret": _with_the_public_key_as_secret,
    "another key": lambda: token(OTHER_KEY),
    "an unknown key": lambda: token(OTHER_KEY, kid="other"),
    "a key of another algorithm": lambda: token(EC_KEY, kid="rsa", algorithm="ES256"),
    "an algorithm that is not allowed": lambda: token(algorithm="RS512"),
    "another issuer": lambda: token(iss="https://other.example"),
    "another audience": lambda: token(aud="other"),
    "expired": lambda: token(exp=datetime.now(UTC) - timedelta(minutes=2)),
    "never expires": lambda: token(exp=None),
    "not yet": lambda: token(nbf=datetime.now(UTC) + timedelta(minutes=5)),
    "without audience": lambda: token(aud=None),
    "no token": lambda: "abc",
    "changed": lambda: token()[:-4] + "AAAA",
}


@pytest.mark.parametrize("forged", FORGED)
async def test_a_token_that_does_not_hold_opens_nothing(keys: Path, forged: str) -> None:
    app = with_tokens(keys)

    assert await status(app, authorization=f"Bearer {FORGED[forged]()}") == 401


async def test_a_scope_that_is_asked_for_must_be_in_the_token(keys: Path) -> None:
    app = with_tokens(keys, jwt_scope="registrar.read")

    assert await status(app, authorization=f"Bearer {token(scope='other registrar.read')}") == 200
    assert await status(app, authorization=f"Bearer {token(scope='registrar.reader')}") == 403
    assert await status(app, authorization=f"Bearer {token()}") == 403


async def test_a_new_key_of_the_issuer_is_fetched_and_a_withdrawn_one_ends(
    keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = with_tokens(keys)
    old, new = token(), token(OTHER_KEY, kid="new")
    assert await status(app, authorization=f"Bearer {old}") == 200
    publish(keys, public(OTHER_KEY, "new"))

    assert await status(app, authorization=f"Bearer {new}") == 401  # an unknown key is not looked for at every request
    monkeypatch.setattr(jwks, "_FETCH_AGAIN_SECONDS", 0)
    assert await status(app, authorization=f"Bearer {new}") == 200
    assert await status(app, authorization=f"Bearer {old}") == 401


async def test_keys_that_cannot_be_read_open_nothing_and_those_known_stay(
    keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = with_tokens(keys)
    assert await status(app, authorization=f"Bearer {token()}") == 200
    publish(keys, {"kty": "none"})
    monkeypatch.setattr(jwks, "_KEEP_SECONDS", 0)

    assert await status(app, authorization=f"Bearer {token()}") == 200
    assert await status(with_tokens(keys), authorization=f"Bearer {token()}") == 401


@pytest.mark.parametrize(
    "said",
    ["", "[]", "null", '"keys"', "{}", '{"keys": {}}', '{"keys": ["x"]}', '{"keys": [{"kty": []}]}',
     '{"keys": [{"kty": "RSA", "kid": "rsa", "n": 5, "e": 5}]}'],
)  # fmt: skip
async def test_whatever_an_issuer_says_those_known_stay(keys: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    app = with_tokens(keys)
    assert await status(app, authorization=f"Bearer {token()}") == 200
    write(keys, said)
    monkeypatch.setattr(jwks, "_KEEP_SECONDS", 0)

    assert await status(app, authorization=f"Bearer {token()}") == 200
    assert await status(with_tokens(keys), authorization=f"Bearer {token()}") == 401


async def test_health_docs_and_their_description_are_open_metrics_are_not(keys: Path) -> None:
    app = with_tokens(keys)

    assert [await status(app, path) for path in ("/metrics", "/companies")] == [401, 401]
    assert 401 not in [await status(app, path) for path in ("/health/live", "/health/ready", "/docs", "/openapi.json")]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "registrar.example"])  # noqa: S104
def test_without_keys_other_machines_are_not_served(host: str) -> None:
    with pytest.raises(OpenToOthers, match="REGISTRAR_HTTP_API_KEYS"):
        auth_of(settings(http_host=host))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.9.1"])
def test_without_keys_this_machine_is_served(host: str) -> None:
    assert auth_of(settings(http_host=host)) is None


def test_with_keys_everybody_is_served() -> None:
    hashed = hashlib.sha256(b"key").hexdigest()

    assert auth_of(settings(http_host="0.0.0.0", http_api_keys=hashed)) is not None  # noqa: S104


def test_an_issuer_in_part_and_keys_from_an_open_line_are_refused(keys: Path) -> None:
    with pytest.raises(InvalidSettings, match="go together"):
        auth_of(settings(jwt_issuer=ISSUER))
    with pytest.raises(InvalidSettings, match="https"):
        auth_of(settings(jwt_issuer=ISSUER, jwt_audience=AUDIENCE, jwt_jwks="http://issuer.example/keys"))


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_algorithms_that_anybody_could_sign_with_cannot_be_set(algorithm: str) -> None:
    with pytest.raises(ValidationError):
        settings(jwt_algorithms=algorithm)
