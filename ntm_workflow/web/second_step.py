"""The second step of signing in: the page that asks for a code, and turning it on and off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Account
from ntm_workflow.texts import say
from ntm_workflow.web import auth, desk, forms, svg, visitor
from ntm_workflow.web.forms import Posted, Trouble
from ntm_workflow.web.visitor import BACK, SIGN_IN
from ntm_workflow.work import audit, second_factor, tries, web_sessions
from ntm_workflow.work.accounts import Who
from ntm_workflow.work.contacts import By

router = APIRouter()
PATH = f"{SIGN_IN}/ma"


@router.get("/vao/ma")
def page(request: Request) -> Response:
    return _show(request, visitor.local(request.query_params.get(BACK, "/")))


def _show(request: Request, wanted: str, trouble: Trouble | None = None) -> Response:
    if visitor.STEP not in request.cookies:
        return RedirectResponse(SIGN_IN, 303)
    status = trouble.status if trouble else 200
    return desk.draw(request, "second_step.html", status, wanted=wanted, back=BACK, trouble=trouble)


@router.post("/vao/ma")
def enter(request: Request, form: Posted) -> Response:
    wanted = visitor.local(str(form.get(BACK, "/")))
    try:
        if not forms.from_us(request, form):
            raise Refused("sign_in.expired")
        token = _entered(request, str(form.get("ma", "")))
    except NotFound:  # it took too long: from the start
        response = RedirectResponse(f"{SIGN_IN}?xong=lau", 303)
        visitor.forget_step(request, response)
        return response
    except Refused as error:
        return _show(request, wanted, auth.trouble("ma", error))
    response = RedirectResponse(wanted, 303)
    visitor.keep(request, response, token)
    visitor.forget_step(request, response)
    return response


def _entered(request: Request, code: str) -> str:
    """A session for who typed the right password before and the right code now."""
    rt: Runtime = request.app.state.rt
    ticket, now = request.cookies.get(visitor.STEP, ""), visitor.clock()
    with rt.reader() as session:
        account = web_sessions.account_of(
            session, web_sessions.held(session, "second", ticket, now)
        )
    key, address = f"second {account.id}", visitor.address(request)
    auth.count(rt, key, address, account, now)
    before, at = visitor.known(request), rt.now()
    with rt.sessions.begin() as session:
        audit.lock(session)
        account = session.get_one(Account, account.id, populate_existing=True)
        second_factor.spend(session, account, rt.keys, code, now)
        web_sessions.use(session, "second", ticket, now)
        tries.forgive(session, key, address, now)
        by = By(auth.self_of(account), at)
        return auth.start(session, account, "password", request, before, by)


# -- on one's own account ------------------------------------------------------------------


def begin(request: Request, who: Who, form: Any) -> Response:
    """Show a new secret. Nothing is asked for until its first code was right."""
    rt: Runtime = request.app.state.rt
    with rt.reader() as session:
        account = session.get_one(Account, who.id)
    auth.prove(request, account, str(form.get("mat_khau", "")))
    return _offer(request, account, second_factor.new())


def _offer(
    request: Request, account: Account, secret: str, trouble: Trouble | None = None
) -> Response:
    rt: Runtime = request.app.state.rt
    grouped = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    address = second_factor.address(secret, account.login, say("factor.issuer"))
    return desk.draw(
        request, "second_new.html", trouble.status if trouble else 200, trouble=trouble,
        grouped=grouped, address=address, picture=svg.qr(address),
        carried=second_factor.offer(rt.keys, account, secret, visitor.clock()),
    )  # fmt: skip


def confirm(request: Request, who: Who, form: Any) -> Response:
    rt: Runtime = request.app.state.rt
    now = visitor.clock()
    with rt.reader() as session:
        account = session.get_one(Account, who.id)
    secret = second_factor.offered(rt.keys, account, str(form.get("bi_mat", "")), now)
    try:
        with rt.sessions.begin() as session:
            mine = session.get_one(Account, who.id)
            by = By(who.actor(), rt.now())
            second_factor.turn_on(session, mine, rt.keys, secret, str(form.get("ma", "")), by, now)
    except Refused as error:
        return _offer(request, account, secret, auth.trouble("ma", error))
    return auth.done("hai-buoc")


def stop(request: Request, who: Who, form: Any) -> Response:
    rt: Runtime = request.app.state.rt
    with rt.reader() as session:
        account = session.get_one(Account, who.id)
    auth.prove(request, account, str(form.get("mat_khau", "")))
    with rt.sessions.begin() as session:
        account = session.get_one(Account, who.id)
        second_factor.turn_off(session, account, By(who.actor(), rt.now()))
    return auth.done("hai-buoc-tat")


DEEDS: dict[str, Callable[[Request, Who, Any], Response]] = {
    "hai-buoc": begin, "hai-buoc-xac-nhan": confirm, "hai-buoc-tat": stop,
}  # fmt: skip
auth.DEEDS |= DEEDS
