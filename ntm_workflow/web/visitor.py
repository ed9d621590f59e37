"""Who a request comes from: the cookie of a signed-in browser, and where it may be led back to."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

from fastapi import Request, Response

from ntm_workflow.runtime import Runtime
from ntm_workflow.web import guard
from ntm_workflow.work import web_sessions
from ntm_workflow.work.accounts import Role, Who
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.web_sessions import Browser

COOKIE = "ntm_phien"
QUIET = "x-quiet"  # sent by pages that renew themselves
WHOSE = "ntm_ai"  # whose browser this is
STEP = "ntm_buoc"  # the password was right, the code is awaited
SIGN_IN = "/vao"
BACK = "den"  # the field that says where somebody wanted to go
_PURPOSE = "whose browser"
_REMEMBERED = timedelta(days=30)
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
_SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux")
_PROGRAMS = (("Edg", "Edge"), ("OPR", "Opera"), ("coc_coc", "Cốc Cốc"), ("Firefox", "Firefox"),
             ("Chrome", "Chrome"), ("Safari", "Safari"))  # fmt: skip


def clock() -> datetime:
    """The real clock, whatever day is simulated: sessions end by it."""
    return datetime.now(UTC)


def known(request: Request) -> Who | None:
    """Who sends this request; asked of the database once for each request."""
    if not hasattr(request.state, "who"):
        request.state.who = _look_up(request)
    found: Who | None = request.state.who
    return found


def seen(request: Request) -> Who | None:
    """The same where it has been asked already; for pages that must not ask."""
    return getattr(request.state, "who", None)


def somebody(request: Request) -> Who:
    """Who sends this request to a page that only lets in who is signed in."""
    found = known(request)
    assert found is not None, "rights.py let nobody in"
    return found


def actor(request: Request) -> Actor:
    """Who acts, for the audit."""
    return somebody(request).actor()


def own(request: Request) -> tuple[str, ...] | None:
    """The bodies whose tasks alone are shown to whoever is signed in; None for all."""
    who = somebody(request)
    return who.bodies if who.role is Role.OFFICE else None


def _look_up(request: Request) -> Who | None:
    token = request.cookies.get(COOKIE, "")
    if not token:
        return None
    rt: Runtime = request.app.state.rt
    now = clock()
    with rt.reader() as session:
        found = web_sessions.who(session, token, now)
    # A page that renews itself is no sign that somebody is there.
    if found and QUIET not in request.headers and web_sessions.unwritten(found, now):
        with rt.sessions.begin() as session:
            web_sessions.touch(session, found.session, now)
    return found


def browser(request: Request) -> Browser:
    """Where somebody comes from: address, and browser as people call it."""
    agent = request.headers.get("user-agent", "")
    program = next((name for mark, name in _PROGRAMS if mark in agent), "")
    system = next((name for name in _SYSTEMS if name in agent), "")
    return Browser(address(request), ", ".join(filter(None, (program, system))))


def address(request: Request) -> str:
    return request.client.host if request.client else ""


def keep(request: Request, response: Response, token: str) -> None:
    """Give the browser its session. Lax: a link in a mail opens the page it leads to."""
    response.set_cookie(
        COOKIE, token, httponly=True, samesite="lax", secure=guard.secure(request),
        max_age=int(web_sessions.LONGEST.total_seconds()),
    )  # fmt: skip


def keep_step(request: Request, response: Response, ticket: str) -> None:
    response.set_cookie(
        STEP, ticket, httponly=True, samesite="lax", secure=guard.secure(request),
        path=f"{SIGN_IN}/ma", max_age=int(web_sessions.SECOND_LIVES.total_seconds()),
    )  # fmt: skip


def forget_step(request: Request, response: Response) -> None:
    response.delete_cookie(
        STEP, httponly=True, samesite="lax", secure=guard.secure(request), path=f"{SIGN_IN}/ma"
    )


def forget(request: Request, response: Response) -> None:
    response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=guard.secure(request))


def remember(request: Request, response: Response, who: Who | None) -> None:
    """Let a browser know whose it is, even when its session has ended. It opens nothing."""
    if who is None or request.cookies.get(WHOSE, "").startswith(f"{who.id}."):
        return
    rt: Runtime = request.app.state.rt
    seal = urlsafe_b64encode(rt.keys.seal(_PURPOSE, str(who.id).encode(), 15)).decode()
    response.set_cookie(
        WHOSE, f"{who.id}.{seal}", httponly=True, samesite="strict", secure=guard.secure(request),
        max_age=int(_REMEMBERED.total_seconds()),
    )  # fmt: skip


def whose(request: Request) -> int | None:
    """The account that last used this browser, as we told it; None for anything else."""
    number, _, told = request.cookies.get(WHOSE, "").partition(".")
    rt: Runtime = request.app.state.rt
    try:
        known, seal = int(number), urlsafe_b64decode(told)
    except ValueError:
        return None
    return known if rt.keys.sealed(_PURPOSE, str(known).encode(), seal) else None


def local(path: str) -> str:
    """An address of our own to be led back to; the first page for anything else."""
    own = f"{path.partition('?')[0]}/".startswith((f"{SIGN_IN}/", "/ra/", "/v/"))
    return path if is_local(path) and not own else "/"


def is_local(path: str) -> bool:
    """Whether a browser can only take it for an address of this host."""
    if not path.startswith("/") or path.startswith("//") or _UNSAFE.search(path):
        return False
    parts = urlsplit(path)
    return not parts.scheme and not parts.netloc and len(path) < 1_000


def way_in(request: Request) -> str:
    """The page that asks to sign in, and then leads to where this request wanted to go."""
    query = f"?{request.url.query}" if request.url.query else ""
    wanted = local(quote(request.url.path, safe="/.-_~:") + query)
    return SIGN_IN if wanted == "/" else f"{SIGN_IN}?{BACK}={quote(wanted, safe='/')}"
