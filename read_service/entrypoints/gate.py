"""What every HTTP request passes first: limits on its size, and who may ask."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from read_service.entrypoints.auth import Auth, Forbidden, Unauthorized
from read_service.entrypoints.problem import problem

MAX_ADDRESS_BYTES = 8 * 1024
MAX_BODY_BYTES = 16 * 1024  # nothing here reads a body; a client's own small one does no harm
OPEN = ("/health/live", "/health/ready", "/docs", "/openapi.json")


class Gate:
    """Refuses what is too large, and who may not ask; without `auth` everybody who can connect may."""

    def __init__(self, app: ASGIApp, auth: Auth | None) -> None:
        self._app = app
        self._auth = auth

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by a problem document or pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if len(scope["raw_path"]) + len(scope["query_string"]) > MAX_ADDRESS_BYTES:
            await problem(414, f"at most {MAX_ADDRESS_BYTES} bytes")(scope, receive, send)
            return
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            too_large = problem(413, f"at most {MAX_BODY_BYTES} bytes", headers={"connection": "close"})
            await too_large(scope, receive, send)
            return
        if self._auth is not None and scope["path"] not in OPEN:
            try:
                await self._auth.check(headers)
            except Unauthorized as refused:
                await problem(401, str(refused), headers={"www-authenticate": "Bearer"})(scope, receive, send)
                return
            except Forbidden as refused:
                await problem(403, str(refused))(scope, receive, send)
                return
        # A body of unknown length is never read: the connection ends with the answer.
        await self._app(scope, receive, _closing(send) if "transfer-encoding" in headers else send)


def _closing(send: Send) -> Send:
    async def closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), (b"connection", b"close")]
        await send(message)

    return closing
