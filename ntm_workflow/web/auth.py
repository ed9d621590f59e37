"""Signing in and out, and what somebody does about their own account."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from ntm_workflow import texts
from ntm_workflow.errors import NotFound, NtmError, Refused
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Account
from ntm_workflow.texts import say
from ntm_workflow.web import demo, desk, forms, visitor
from ntm_workflow.web.forms import Posted, Trouble
from ntm_workflow.web.visitor import BACK, SIGN_IN
from ntm_workflow.work import accounts, audit, passwords, tries, web_sessions
from ntm_workflow.work.accounts import Who
from ntm_workflow.work.audit import Action, Actor
from ntm_workflow.work.contacts import By

log = logging.getLogger("ntm.web")
router = APIRouter()
OWN = "/tai-khoan"
FIRST = f"{SIGN_IN}/lan-dau"
_LEFT = ("ra", "tat-ca", "lau", "giu")  # why somebody is asked to sign in again


# -- signing in --------------------------------------------------------------------------


@router.get("/vao")
def sign_in_page(request: Request) -> Response:
    wanted = visitor.local(request.query_params.get(BACK, "/"))
    if visitor.known(request):
        return RedirectResponse(wanted, 303)
    return show(request, wanted)


def show(
    request: Request, wanted: str, login: str = "", trouble: Trouble | None = None
) -> Response:
    rt: Runtime = request.app.state.rt
    done = request.query_params.get("xong", "")
    return desk.draw(
        request, "sign_in.html", trouble.status if trouble else 200, wanted=wanted, login=login,
        trouble=trouble, back=BACK, demo=demo.offered(rt),
        sso=request.app.state.provider, done=done if done in _LEFT else "",
    )  # fmt: skip


@router.post("/vao")
def sign_in(request: Request, form: Posted) -> Response:
    """A name and a password. Unknown, wrong and shut sound alike and take as long."""
    wanted = visitor.local(str(form.get(BACK, "/")))
    login = forms.clean(str(form.get("ten", "")))[:300]
    password = str(form.get("mat_khau", ""))[: passwords.LONGEST + 1]
    rt: Runtime = request.app.state.rt
    try:
        if not forms.from_us(request, form):
            raise Refused("sign_in.expired")
        account = _proven(rt, login, password, visitor.address(request))
        if account.totp is not None:
            return _second(request, account, wanted)
        return let_in(request, account, "password", wanted)
    except Refused as error:
        log.info("sign-in refused key=%s address=%s", error.key, visitor.address(request))
        return show(request, wanted, login, trouble("vao", error))


def _proven(rt: Runtime, login: str, password: str, address: str) -> Account:
    """The account that this password opens. Raises Refused.

    Looked at between two transactions: working a password out takes long.
    """
    now = visitor.clock()
    with rt.reader() as session:
        found = accounts.by_login(session, login)
    key = _key(found) if found else f"name {accounts.folded(login)}"
    count(rt, key, address, found, now)
    right = passwords.right(found.password_hash if found and found.active else "", password)
    if not (found and right):
        raise Refused("sign_in.wrong")
    kept = passwords.hashed(password) if passwords.old(found.password_hash) else ""
    with rt.sessions.begin() as session:
        account = session.get(Account, found.id)
        if not account or not account.active or account.password_hash != found.password_hash:
            raise Refused("sign_in.wrong")
        account.password_hash = kept or account.password_hash
        tries.forgive(session, key, address, now)
    return account


def _key(account: Account) -> str:
    """What tries on an account are counted under: no name that is typed can be it."""
    return f"account {account.id}"


def count(rt: Runtime, key: str, address: str, found: Account | None, now: datetime) -> None:
    """Count a try. Raises Refused: there have been too many, right or wrong."""
    with rt.sessions.begin() as session:
        tried = tries.count(session, key, address, now)
        if tried.newly and found:
            by = By(Actor("ntm", via="page"), rt.now())
            accounts.note(session, found, Action.ACCOUNT_TRIED, by, tries=tries.OF_ACCOUNT)
    if tried.until:
        raise Refused("sign_in.wait", at=texts.clock(tried.until))


def let_in(request: Request, account: Account, way: str, wanted: str) -> Response:
    """Sign the browser in with a cookie it never had before."""
    rt: Runtime = request.app.state.rt
    before, by = visitor.known(request), By(self_of(account), rt.now())
    with rt.sessions.begin() as session:
        token = start(session, account, way, request, before, by)
    response = RedirectResponse(wanted, 303)
    visitor.keep(request, response, token)
    return response


def _second(request: Request, account: Account, wanted: str) -> Response:
    """The password was right: now the code. Nobody is signed in yet."""
    rt: Runtime = request.app.state.rt
    with rt.sessions.begin() as session:
        ticket = web_sessions.ticket(session, "second", account.id, visitor.clock())
    response = RedirectResponse(f"{SIGN_IN}/ma?{urlencode({BACK: wanted})}", 303)
    visitor.keep_step(request, response, ticket)
    return response


def start(
    session: Session, account: Account, way: str, request: Request, before: Who | None, by: By
) -> str:
    """A new session in place of the one, `before`, that this browser may have had."""
    audit.lock(session)
    if before:
        web_sessions.end(session, before.session, before.id)
    browser = visitor.browser(request)
    token = web_sessions.start(session, account, way, browser, visitor.clock())
    said = {"way": way, "browser": browser.name}
    accounts.note(session, account, Action.ACCOUNT_SIGNED_IN, by, **said)
    return token


def self_of(account: Account) -> Actor:
    return Actor(account.name, account.role, via="page")


def trouble(act: str, error: NtmError) -> Trouble:
    """What to say of a refusal."""
    status = 429 if error.key == "sign_in.wait" else 422
    return Trouble(act, (("", say(error.key, **error.data)),), status=status)


# -- the first administrator -----------------------------------------------------------


@router.get("/vao/lan-dau/{token}")
def first_page(request: Request, token: str) -> Response:
    """Show the button. Programs that check links open them: looking changes nothing."""
    rt: Runtime = request.app.state.rt
    with rt.reader() as session:
        web_sessions.held(session, "first", token, visitor.clock())
    return desk.draw(request, "first.html", 200, action=f"{FIRST}/{token}")


@router.post("/vao/lan-dau/{token}")
def first(request: Request, token: str, form: Posted) -> Response:
    rt: Runtime = request.app.state.rt
    if not forms.from_us(request, form):
        return RedirectResponse(f"{FIRST}/{token}", 303)
    before, now = visitor.known(request), rt.now()
    with rt.sessions.begin() as session:
        audit.lock(session)
        web_sessions.use(session, "first", token, visitor.clock())
        if not accounts.needs_first(session):
            raise NotFound("ticket.first")
        account = accounts.first_administrator(session, By(Actor("ntm", via="page"), now))
        by = By(self_of(account), now)
        made = start(session, account, "first", request, before, by)
    response = RedirectResponse(OWN, 303)
    visitor.keep(request, response, made)
    return response


@router.post("/vao/mo-phong")
def as_demo(request: Request, form: Posted) -> Response:
    """In a simulation: sign in as one of the roles, with one press."""
    rt: Runtime = request.app.state.rt
    try:
        if not forms.from_us(request, form):
            raise Refused("sign_in.expired")
        with rt.sessions.begin() as session:
            account = demo.account(session, rt, str(form.get("vai", "")))
    except Refused as error:
        return show(request, "/", trouble=trouble("vao", error))
    return let_in(request, account, "demo", visitor.local(str(form.get(BACK, "/"))))


# -- signing out -------------------------------------------------------------------------


@router.post("/ra")
def sign_out(request: Request, form: Posted) -> Response:
    if not forms.from_us(request, form):
        return _own(request, trouble=trouble("ra", Refused("sign_in.expired")))
    who, rt = visitor.somebody(request), request.app.state.rt
    with rt.sessions.begin() as session:
        audit.lock(session)
        web_sessions.end(session, who.session, who.id)
        account = session.get_one(Account, who.id)
        accounts.note(session, account, Action.ACCOUNT_SIGNED_OUT, By(who.actor(), rt.now()))
    response = RedirectResponse(f"{SIGN_IN}?xong=ra", 303)
    visitor.forget(request, response)
    return response


@router.get("/ra")
def back_home() -> Response:
    return RedirectResponse(OWN, 303)


# -- one's own account -------------------------------------------------------------------


@router.get("/tai-khoan")
def own_page(request: Request) -> Response:
    done = request.query_params.get("xong", "")
    return _own(request, done if done in DEEDS else "")


def _own(request: Request, done: str = "", trouble: Trouble | None = None) -> Response:
    who = visitor.somebody(request)
    with desk.opened(request) as at:
        account = at.session.get_one(Account, who.id)
        sessions = web_sessions.of_account(at.session, who.id, visitor.clock())
        return desk.draw(
            request, "account.html", trouble.status if trouble else 200, account=account,
            done=done, trouble=trouble, sessions=sessions, least=passwords.SHORTEST,
            simulated_on=at.simulated_on,
            names=[at.body_name(body) for body in who.bodies] if at.rt.plans else who.bodies,
        )  # fmt: skip


@router.post("/tai-khoan/{name}")
def change(request: Request, name: str, form: Posted) -> Response:
    if name not in DEEDS:
        raise NotFound("page.missing")
    try:
        if not forms.from_us(request, form):
            raise Refused("sign_in.expired")
        return DEEDS[name](request, visitor.somebody(request), form)
    except Refused as error:
        log.info("refused account act=%s key=%s", name, error.key)
        return _own(request, trouble=trouble(name, error))


@router.get("/tai-khoan/{name}")
def back_to_own(name: str) -> Response:
    return RedirectResponse(OWN, 303)


def done(name: str) -> Response:
    return RedirectResponse(f"{OWN}?xong={name}", 303)


def _password(request: Request, who: Who, form: Any) -> Response:
    """Choose a password: every session ends, and this browser gets a new one."""
    rt: Runtime = request.app.state.rt
    before, typed, again = (str(form.get(name, "")) for name in ("cu", "moi", "lai"))
    with rt.reader() as session:
        account = session.get_one(Account, who.id)
    prove(request, account, before)
    if typed == before:
        raise Refused("password.same")
    kept = accounts.choose_password(account, typed, again)
    with rt.sessions.begin() as session:
        account = session.get_one(Account, who.id)
        by = By(who.actor(), rt.now())
        accounts.give_password(session, account, kept, False, by)
        token = web_sessions.start(
            session, account, "password", visitor.browser(request), visitor.clock()
        )
    response = done("mat-khau")
    visitor.keep(request, response, token)
    return response


def prove(request: Request, account: Account, password: str) -> None:
    """Ask for the password again, if the account has one. Raises Refused."""
    if not account.password_hash:
        return
    rt: Runtime = request.app.state.rt
    count(rt, _key(account), visitor.address(request), account, visitor.clock())
    if not passwords.right(account.password_hash, password):
        raise Refused("password.wrong")
    with rt.sessions.begin() as session:
        tries.forgive(session, _key(account), visitor.address(request), visitor.clock())


def _end_one(request: Request, who: Who, form: Any) -> Response:
    """End one session of one's own; of this browser too, if it is that."""
    number = forms.integer(form.get("phien"))
    rt: Runtime = request.app.state.rt
    with rt.sessions.begin() as session:
        audit.lock(session)
        if number and web_sessions.end(session, number, who.id):
            account = session.get_one(Account, who.id)
            by = By(who.actor(), rt.now())
            accounts.note(session, account, Action.ACCOUNT_ENDED, by, sessions=1)
    return done("ket-thuc")


def _end_all(request: Request, who: Who, form: Any) -> Response:
    rt: Runtime = request.app.state.rt
    with rt.sessions.begin() as session:
        account = session.get_one(Account, who.id)
        accounts.end_all(session, account, By(who.actor(), rt.now()))
    response = RedirectResponse(f"{SIGN_IN}?xong=tat-ca", 303)
    visitor.forget(request, response)
    return response


DEEDS: dict[str, Callable[[Request, Who, Any], Response]] = {
    "mat-khau": _password, "ket-thuc": _end_one, "ket-thuc-tat-ca": _end_all,
}  # fmt: skip
