"""The outermost layer: who may ask, how much they may send, what every answer carries."""

from __future__ import annotations

import asyncio
import errno
import hmac
import logging
import re
import secrets
from collections.abc import Callable
from urllib.parse import urlsplit

from fastapi import Request, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ntm_workflow import texts

log = logging.getLogger("ntm.web")

COOKIE = "ntm_form"  # holds the token that every form of this browser repeats
LANGUAGE = "ntm_ngon_ngu"  # which language this browser wants its pages in
FIELD = "ma_bao_ve"  # the hidden field it is repeated in
SPEAK = "/ngon-ngu"  # where the language is chosen
HOOK = "/zalo/"  # where programs call, that show by a signature who they are
HOOK_LIMIT = 256_000  # bytes of one such call
STALL_SECONDS = 60  # how long a body may stand still before it is given up
DRAIN_SECONDS = 30  # how long a body that is too large may take to be thrown away
# No JavaScript is allowed, but for the board, which renews itself, and for the pages on which
# evidence is handed in: LIVE_POLICY.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
LIVE_POLICY = f"{POLICY}; script-src 'self'; connect-src 'self'"
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}

# What is behind a link of one's own stays out of other sites' logs and of search.
_OWN_HEADERS = {
    **_HEADERS, "referrer-policy": "no-referrer", "x-robots-tag": "noindex, nofollow",
}  # fmt: skip

_WORD = re.compile(r"[a-z]+(-[a-z]+)*")  # "xac-nhan": what a link is for, not whose it is

Refusal = Callable[[Request, int, str], Response]


class TooLarge(Exception):
    """More bytes came in than one request may bring."""


class TooSlow(Exception):
    """Nothing came in for so long that nobody can be sending any more."""


class Guard:
    """Refuses foreign hosts, foreign forms and bodies that are too large; draws errors.

    `refuse(request, status, key)` draws the page of an error. The limit counts
    bytes of the whole body, declared or not; what comes after it is thrown away
    unread, never kept. A body that stands still is given up. Calls of programs,
    under HOOK, may come from anywhere, are small, and are refused without a word.
    Where browsers come over https (`https`) they are told to stay there.
    """

    def __init__(
        self, app: ASGIApp, hosts: frozenset[str], limit: int, refuse: Refusal,
        https: bool = False,
    ) -> None:  # fmt: skip
        self.app = app
        self.hosts = hosts
        self.limit = limit
        self.refuse = refuse
        self.more = {"strict-transport-security": "max-age=31536000"} if https else {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with texts.speaking(Request(scope).cookies.get(LANGUAGE)):
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":  # the server leaves the body out
            scope = {**scope, "method": "GET"}
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                own = is_own(scope["path"])
                for name, value in {**(_OWN_HEADERS if own else _HEADERS), **self.more}.items():
                    headers.setdefault(name, value)
            await send(message)

        request = Request(scope, receive)
        try:
            refused = await self._refused(request, receive)
            if refused is None:
                await self.app(scope, _metered(receive, self._limit(request)), sending)
                return
        except TooLarge:
            await _drain(receive)
            refused = self._said(request, 413, "page.too_large")
        except TooSlow:
            log.warning("body stood still path=%s", shown(request.url.path))
            refused = self._said(request, 408, "page.too_slow")
        except Exception as error:
            if started:
                raise
            refused = self._broken(request, error)
        await refused(scope, receive, sending)

    async def _refused(self, request: Request, receive: Receive) -> Response | None:
        headers = request.headers
        if _host(headers.get("host", "")) not in self.hosts:
            return self._said(request, 400, "page.host")
        if request.method == "GET":
            return None
        if not _is_hook(request) and not _same_origin(headers, request.url.path):
            log.warning("foreign form refused path=%s", shown(request.url.path))
            return self._said(request, 403, "page.foreign")
        declared = headers.get("content-length", "0")
        sane = declared.isascii() and declared.isdigit() and len(declared) < 16
        if not sane or int(declared) > self._limit(request):
            raise TooLarge
        return None

    def _limit(self, request: Request) -> int:
        return HOOK_LIMIT if _is_hook(request) else self.limit

    def _said(self, request: Request, status: int, key: str) -> Response:
        """A page for people; for programs nothing but the status."""
        if _is_hook(request):
            return Response(status_code=status)
        return self.refuse(request, status, key)

    def _broken(self, request: Request, error: Exception) -> Response:
        number = secrets.token_hex(4)
        request.state.error_id = number
        log.error("page failed id=%s path=%s", number, shown(request.url.path), exc_info=error)
        return self._said(request, *_said_of(error))


def _said_of(error: Exception) -> tuple[int, str]:
    """The status and the page of what nobody expected here."""
    if type(error).__name__ in ("OperationalError", "InterfaceError", "TimeoutError"):
        return 503, "page.database"
    if isinstance(error, OSError) and error.errno in _STORAGE:
        return 507, "page.storage"
    return 500, "page.broken"


# A disk that is full, read-only, broken, or a folder that is not ours or not there.
_STORAGE = frozenset({
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EFBIG,
    errno.ENOTDIR, errno.EEXIST, errno.ENOENT,
})  # fmt: skip


def _is_hook(request: Request) -> bool:
    return request.method == "POST" and request.url.path.startswith(HOOK)


def is_own(path: str) -> bool:
    """True for the pages behind a link of somebody's own."""
    return path.startswith("/v/")


def shown(path: str) -> str:
    """A path as it may be logged: what follows /v/ is somebody's own, but for a plain word.

    So is what follows /vao/lan-dau/.
    """
    parts = path.split("/")
    if parts[1:3] == ["vao", "lan-dau"]:
        return "/vao/lan-dau/…"
    if parts[1:2] != ["v"]:
        return path
    word = [one for one in parts[2:3] if _WORD.fullmatch(one) and len(parts) > 3]
    return "/".join(["", "v", *word, "…"])


def _host(value: str) -> str:
    try:
        return (urlsplit(f"//{value}").hostname or "") if "@" not in value else ""
    except ValueError:  # half an IPv6 address
        return ""


def _same_origin(headers: Headers, path: str) -> bool:
    """What the browser says of where a form comes from, if it says anything.

    Behind a proxy the scheme may differ, so hosts and ports are compared. Pages
    under /v/ send no referrer, and their forms therefore the origin "null": there
    the form's own token decides, as it does for the language, which they offer too.
    """
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    if origin == "null" and (is_own(path) or path == SPEAK):
        return True
    try:
        return origin is None or urlsplit(origin).netloc == headers.get("host", "")
    except ValueError:
        return False


def _metered(receive: Receive, limit: int) -> Receive:
    left, coming = limit, True

    async def metered() -> Message:
        nonlocal left, coming
        if not coming:  # who waits here waits for the browser to leave
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), STALL_SECONDS)
        except TimeoutError as error:
            raise TooSlow from error
        coming = bool(message.get("more_body"))
        left -= len(message.get("body", b""))
        if left < 0:
            raise TooLarge
        return message

    return metered


async def _drain(receive: Receive) -> None:
    """Read on and forget: a browser shows our answer only after it has sent everything."""

    async def forget() -> None:
        while True:
            message = await receive()
            if message["type"] != "http.request" or not message.get("more_body"):
                return

    try:
        await asyncio.wait_for(forget(), DRAIN_SECONDS)
    except TimeoutError:
        log.warning("body too large and too slow; given up")


def token(request: Request) -> str:
    """The form token of this browser; a new one where it has none."""
    found = request.cookies.get(COOKIE, "")
    if len(found) == 43:
        return found
    if not hasattr(request.state, "form_token"):
        request.state.form_token = secrets.token_urlsafe(32)
    made: str = request.state.form_token
    return made


def keep_token(request: Request, response: Response) -> None:
    """Give the browser its form token, where it has none yet."""
    if hasattr(request.state, "form_token"):
        response.set_cookie(
            COOKIE, request.state.form_token, httponly=True, samesite="strict",
            secure=secure(request),
        )  # fmt: skip


def secure(request: Request) -> bool:
    """Whether the browser came over https, to us or to the proxy before us."""
    base: str = request.app.state.rt.settings.base_url
    return request.url.scheme == "https" or base.startswith("https:")


def ours(request: Request, sent: str) -> bool:
    """True when a form repeats the token of the browser that sends it."""
    kept = request.cookies.get(COOKIE, "")
    return bool(kept) and hmac.compare_digest(kept.encode(), sent.encode())
