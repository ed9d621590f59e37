"""Accounts, for administrators: who may sign in, as what; what `ntm users` does, on pages."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from ntm_workflow.errors import NotFound, NtmError, Refused
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Account
from ntm_workflow.texts import say
from ntm_workflow.web import auth, desk, forms, visitor
from ntm_workflow.web.forms import Posted, Trouble
from ntm_workflow.web.task_pages import Id
from ntm_workflow.work import accounts, body_names, passwords, second_factor, web_sessions
from ntm_workflow.work.accounts import Role
from ntm_workflow.work.contacts import By

log = logging.getLogger("ntm.web")
router = APIRouter()
ADDRESS = "/nguoi-dung"
FIELDS = ("dang_nhap", "ten", "thu", "vai", "don_vi")


@dataclass(frozen=True, slots=True)
class Line:
    """An account in the list, and its bodies as they are called today."""

    account: Account
    bodies: list[str]


# -- the pages ---------------------------------------------------------------------------


@router.get("/nguoi-dung")
def all_users(request: Request) -> Response:
    return _list(request)


def _list(request: Request, typed: Any = None, trouble: Trouble | None = None) -> Response:
    with desk.opened(request) as at:
        lines = [
            Line(one, [_called(at, body) for body in bodies])
            for one, bodies in accounts.listed(at.session)
        ]
        return desk.draw(
            request, "users.html", trouble.status if trouble else 200, lines=lines,
            seen=accounts.last_sign_in(at.session), trouble=trouble, typed=_typed(typed),
            roles=_roles(), simulated_on=at.simulated_on,
        )  # fmt: skip


@router.get("/nguoi-dung/{number}")
def one_user(request: Request, number: Id) -> Response:
    done = request.query_params.get("xong", "")
    return _one(request, number, done=done if done in DEEDS or done == "moi" else "")


def _one(
    request: Request, number: int, *, done: str = "", once: str = "", typed: Any = None,
    trouble: Trouble | None = None,
) -> Response:  # fmt: skip
    with desk.opened(request) as at:
        account = _found(at.session, number)
        bodies = accounts.bodies_of(at.session, number)
        known = {
            "ten": account.name, "thu": account.email or "", "vai": account.role,
            "don_vi": "\n".join(_called(at, body) for body in bodies),
        }  # fmt: skip
        return desk.draw(
            request, "user.html", trouble.status if trouble else 200, account=account, done=done,
            once=once, typed=_typed(typed) if typed is not None else known, trouble=trouble,
            roles=_roles(), bodies=[_called(at, body) for body in bodies],
            sessions=web_sessions.of_account(at.session, number, visitor.clock()),
            mine=visitor.somebody(request).id == number, seal=_seal(account, bodies),
            simulated_on=at.simulated_on,
        )  # fmt: skip


def _found(session: Session, number: int) -> Account:
    account = session.get(Account, number)
    if account is None:
        raise NotFound("page.missing")
    return account


def _called(at: desk.Desk, body: str) -> str:
    return at.body_name(body) if at.rt.plans else body


def _roles() -> list[tuple[str, str]]:
    return [(one.value, say(f"account.role.{one.value}")) for one in Role]


def _typed(form: Any) -> dict[str, str]:
    return {name: forms.clean(str(form.get(name, ""))) if form else "" for name in FIELDS}


def _seal(account: Account, bodies: tuple[str, ...]) -> str:
    """What a form was filled in from: changed meanwhile, it is not taken."""
    text = repr((account.name, account.email, account.role, bodies))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# -- what is done ------------------------------------------------------------------------


@router.post("/nguoi-dung")
def add(request: Request, form: Posted) -> Response:
    """A new account and, unless it signs in elsewhere, a password that is shown once."""
    rt: Runtime = request.app.state.rt
    typed = _typed(form)
    try:
        _ours(request, form)
        once = "" if form.get("khong_mat_khau") else passwords.first()
        kept = passwords.hashed(once) if once else ""
        with rt.sessions.begin() as session:
            by = _by(request)
            role, bodies = _role(typed), _bodies(session, rt, typed)
            made = accounts.add(
                session, typed["dang_nhap"], role, bodies, by, name=typed["ten"],
                email=typed["thu"],
            )  # fmt: skip
            if kept:
                accounts.give_password(session, made, kept, True, by)
            number = made.id
    except NtmError as error:
        return _list(request, form, auth.trouble("moi", error))
    return _one(request, number, done="moi", once=once)


@router.post("/nguoi-dung/{number}/{name}")
def act(request: Request, number: Id, name: str, form: Posted) -> Response:
    if name not in DEEDS:
        raise NotFound("page.missing")
    try:
        _ours(request, form)
        once = DEEDS[name](request, number, form)
    except Refused as error:
        log.info("refused user act=%s key=%s", name, error.key)
        typed = form if name == "sua" else None
        return _one(request, number, typed=typed, trouble=auth.trouble(name, error))
    if once:
        return _one(request, number, done=name, once=once)
    return RedirectResponse(f"{ADDRESS}/{number}?xong={name}", 303)


@router.get("/nguoi-dung/{number}/{name}")
def back(number: Id, name: str) -> Response:
    return RedirectResponse(f"{ADDRESS}/{number}", 303)


def _change(request: Request, number: int, form: Any) -> str:
    rt: Runtime = request.app.state.rt
    typed = _typed(form)
    with rt.sessions.begin() as session:
        account = _found(session, number)
        seal = _seal(account, accounts.bodies_of(session, number))
        if not hmac.compare_digest(seal, str(form.get("dau", ""))):
            raise Refused("account.stale", login=account.login)
        role, bodies = _role(typed), _bodies(session, rt, typed)
        if visitor.somebody(request).id == number and role != account.role:
            raise Refused("account.own")
        accounts.change(
            session, account, role, bodies, _by(request), name=typed["ten"], email=typed["thu"]
        )
    return ""


def _password(request: Request, number: int, form: Any) -> str:
    """A password for once: it is shown now, and changed at the next sign-in."""
    if visitor.somebody(request).id == number:
        raise Refused("account.own")
    rt: Runtime = request.app.state.rt
    once = passwords.first()
    kept = passwords.hashed(once)
    with rt.sessions.begin() as session:
        accounts.give_password(session, _found(session, number), kept, True, _by(request))
    return once


def _no_factor(request: Request, number: int, form: Any) -> str:
    if visitor.somebody(request).id == number:
        raise Refused("account.own")
    rt: Runtime = request.app.state.rt
    with rt.sessions.begin() as session:
        second_factor.turn_off(session, _found(session, number), _by(request))
    return ""


def _end(request: Request, number: int, form: Any) -> str:
    rt: Runtime = request.app.state.rt
    with rt.sessions.begin() as session:
        accounts.end_all(session, _found(session, number), _by(request))
    return ""


def _shut(request: Request, number: int, form: Any) -> str:
    if visitor.somebody(request).id == number:
        raise Refused("account.own")
    return _active(request, number, False)


def _open(request: Request, number: int, form: Any) -> str:
    return _active(request, number, True)


def _active(request: Request, number: int, active: bool) -> str:
    rt: Runtime = request.app.state.rt
    with rt.sessions.begin() as session:
        accounts.set_active(session, _found(session, number), active, _by(request))
    return ""


DEEDS: dict[str, Callable[[Request, int, Any], str]] = {
    "sua": _change, "mat-khau": _password, "hai-buoc-tat": _no_factor, "ket-thuc": _end,
    "khoa": _shut, "mo": _open,
}  # fmt: skip


# -- what forms say ------------------------------------------------------------------------


def _ours(request: Request, form: Any) -> None:
    if not forms.from_us(request, form):
        raise Refused("sign_in.expired")


def _by(request: Request) -> By:
    return By(visitor.actor(request), request.app.state.rt.now())


def _role(typed: dict[str, str]) -> Role:
    if typed["vai"] not in {one.value for one in Role}:
        raise Refused("account.no_role")
    return Role(typed["vai"])


def _bodies(session: Session, rt: Runtime, typed: dict[str, str]) -> list[str]:
    """Bodies by id from lines of ids or names. Raises NotFound, with the nearest."""
    lines = (line.strip() for line in typed["don_vi"].splitlines())
    return [body_names.find(session, line, rt.today()).id for line in lines if line]
