"""Who may talk to the server: the browser that was given the token, for pages of this server alone.

Three attacks are met. Another program or user of the machine: every request needs the token, as a cookie
that the first page sets. Another page in the same browser: cookies are SameSite=Strict, and whatever
changes something must name this server as its Origin. A name of another page that comes to mean this
machine (DNS rebinding): the Host must be one of this server's names.
"""

from __future__ import annotations

import hmac
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 16 << 20  # bytes of a request: 200,000 segments
CSP = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "media-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class TooLarge(Exception):
    """A request that holds more than it may."""


class Guard:
    """Middleware that lets only the owner of the token in; `hosts` are the names of the server, with its port."""

    def __init__(self, app: ASGIApp, token: str, hosts: frozenset[str], port: int) -> None:
        self._app, self._token, self._hosts = app, token, hosts
        self._cookie = f"vad-review-{port}"  # cookies do not know ports

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        response = self._refuse(scope)
        if response is None:
            try:
                await self._app(scope, _limited(receive), _with_headers(send))
                return
            except TooLarge:
                response = PlainTextResponse("The request is too large.", 413)
        await response(scope, receive, _with_headers(send))

    def _refuse(self, scope: Scope) -> PlainTextResponse | RedirectResponse | None:
        """What to answer in place of the page; None where it may be shown."""
        headers = Headers(scope=scope)
        if headers.get("host", "").lower() not in self._hosts:
            return PlainTextResponse("This server has another name.", 421)
        origin, changes = headers.get("origin"), scope["method"] not in ("GET", "HEAD")
        ours = origin is not None and origin.lower().removeprefix("http://") in self._hosts
        if (changes or origin is not None) and not ours:
            return PlainTextResponse("Only the page of this server may ask for that.", 403)
        if headers.get("content-length", "0").isdecimal() and int(headers.get("content-length", "0")) > LARGEST:
            return PlainTextResponse("The request is too large.", 413)
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["path"] == "/" and self._is_token(given):
            response = RedirectResponse("/", 303)
            response.set_cookie(self._cookie, self._token, httponly=True, samesite="strict", path="/")
            return response
        if not self._is_token(cookie_parser(headers.get("cookie", "")).get(self._cookie, "")):
            return PlainTextResponse("Open the address with the token that vad review has printed.", 403)
        return None

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())


def _limited(receive: Receive) -> Receive:
    """`receive`, which raises `TooLarge` where more comes than the header may have said."""
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > LARGEST:
            raise TooLarge
        return message

    return limited


def _with_headers(send: Send) -> Send:
    """`send`, with the headers that every answer has."""

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return with_headers
