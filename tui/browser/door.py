"""Who may come in: the person who was told the address, from a page of ours, and nobody else.

Whoever can drive the dashboard can write files and start processes, and any page that the person
visits can send requests to this machine. So the address carries a token, which is good for one
browser, once; that browser is known by a cookie from then on. The Host must be ours, or a foreign
name that is made to point here would pass for us; so must the Origin, as browsers let any page open
a WebSocket, with its cookies when only the port differs.
"""

from __future__ import annotations

import hmac
import secrets

from aiohttp import web
from aiohttp.typedefs import Handler

AGAIN = "end `steermore serve` and start it again for a new address."

OPENING = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=/">
<link rel="icon" href="data:,"><title>steermore</title></head>
<body><a href="/">steermore</a></body></html>
"""
"""A page that leads on. A redirection would not do: after a click on a page of another site the
cookie, being strict, would not be sent with it."""


class Door:
    """The checks that every request passes, in front of all that is served at one address."""

    def __init__(self, host: str, port: int) -> None:
        """`host` as it stands in an address: a name, or a number, in brackets if it is IPv6."""
        self.host = f"{host}:{port}"
        self.origin = f"http://{self.host}"
        self._token: str | None = secrets.token_urlsafe(32)
        self._session = secrets.token_urlsafe(32)
        # Cookies are kept by host, not by port: two of us must not overwrite each other's.
        self._cookie = f"steermore-{port}"

    @property
    def address(self) -> str:
        """Where to come in, once."""
        return f"{self.origin}/?token={self._token}"

    @web.middleware
    async def admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let a request through to what is served, or say in one sentence why not."""
        if request.headers.getall("Host", []) != [self.host]:
            return _refused(f"this is served at {self.origin} and under no other name or port.")
        origin = request.headers.getall("Origin", [])
        if origin != [self.origin] and (origin or request.path == "/ws"):
            return _refused("a page from elsewhere may not use this one.")
        if _equal(request.cookies.get(self._cookie), self._session):
            return await handler(request)
        if request.method != "GET" or request.path != "/" or "token" not in request.query:
            return _refused(
                "open the address with the token that `steermore serve` printed, or, if it was"
                f" used already, {AGAIN}"
            )
        if not _equal(request.query["token"], self._token):
            return _refused(f"this token is wrong or was used already; {AGAIN}")
        self._token = None
        response = web.Response(text=OPENING, content_type="text/html")
        response.set_cookie(self._cookie, self._session, httponly=True, samesite="Strict", path="/")
        return response

    async def harden(self, request: web.Request, response: web.StreamResponse) -> None:
        """Tell the browser to keep nothing, to fetch nothing from elsewhere, to be in no frame."""
        # xterm.js makes style sheets of its own; the socket is named for browsers in which 'self'
        # does not cover it.
        policy = (
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
            f" font-src 'self'; img-src 'self' data:; connect-src 'self' ws://{self.host};"
            " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        response.headers["Content-Security-Policy"] = policy
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"


def _refused(why: str) -> web.Response:
    return web.Response(status=403, text=f"steermore: {why}\n")


def _equal(given: str | None, secret: str | None) -> bool:
    """Compared in the same time wherever they differ."""
    if given is None or secret is None:
        return False
    return hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode())
