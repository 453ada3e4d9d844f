"""The issuer's public keys, from a file or an address, fetched again when an unknown one is used."""

import asyncio
import math
import time
import urllib.request
from pathlib import Path

import jwt
import structlog

from read_service.settings import InvalidSettings

_KEEP_SECONDS = 300
_FETCH_AGAIN_SECONDS = 30
_TIMEOUT_SECONDS = 5
_MAX_BYTES = 1024 * 1024

log = structlog.get_logger()


class UnknownKey(Exception):
    """The issuer has no key of this name, or its keys cannot be had."""


class KeySet:
    """Keys by their id (`kid`)."""

    def __init__(self, source: str) -> None:
        """`source` is an https address (http on loopback, for tests) or the path of a file."""
        if "://" in source and not source.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
            raise InvalidSettings("REGISTRAR_JWT_JWKS must be an https address or a file")
        self._source = source
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched: float | None = None
        self._fetching = asyncio.Lock()

    async def key(self, kid: str) -> jwt.PyJWK:
        """The key of this id. Raises UnknownKey."""
        if self._due(kid):
            async with self._fetching:
                if self._due(kid):
                    await self._fetch()
        if kid not in self._keys:
            raise UnknownKey("it is signed by a key that its issuer does not publish, or whose keys cannot be read now")
        return self._keys[kid]

    def _due(self, kid: str) -> bool:
        # Withdrawn keys end after a while; made-up key ids must not make us call the issuer for each of them.
        age = math.inf if self._fetched is None else time.monotonic() - self._fetched
        return age > _KEEP_SECONDS or (kid not in self._keys and age > _FETCH_AGAIN_SECONDS)

    async def _fetch(self) -> None:
        self._fetched = time.monotonic()
        try:
            found = jwt.PyJWKSet.from_json(await asyncio.to_thread(self._read))
        except Exception as failure:  # noqa: BLE001 - whatever the issuer says, the keys known until now are not lost
            log.warning("issuer_keys_unread", source=self._source, error=str(failure))
            return
        self._keys = {key.key_id: key for key in found.keys if key.key_id}

    def _read(self) -> str:
        if "://" not in self._source:
            return Path(self._source).read_text()
        with urllib.request.urlopen(self._source, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - checked above
            content: bytes = answer.read(_MAX_BYTES)
        return content.decode()
