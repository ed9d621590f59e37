"""Single sign-on: to the provider, and back. Accounts are registered before, never made here."""

from __future__ import annotations

import hmac
import json
import logging
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ntm_workflow.errors import ConfigError, NotFound, Refused
from ntm_workflow.runtime import Runtime
from ntm_workflow.web import auth, guard, visitor
from ntm_workflow.web.provider import Going, Identity, Provider
from ntm_workflow.web.visitor import BACK
from ntm_workflow.work import accounts
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.contacts import By

log = logging.getLogger("ntm.web")
router = APIRouter()
COOKIE = "ntm_sso"
PATH = "/vao/sso"
LIVES = 600  # seconds for signing in at the provider


@router.get("/vao/sso/di")
def go(request: Request) -> Response:
    """To the provider. A link, not a form: forms of ours lead nowhere else."""
    wanted = visitor.local(request.query_params.get(BACK, "/"))
    try:
        going = _provider(request).go()
    except Refused as error:
        return auth.show(request, wanted, trouble=auth.trouble("sso", error))
    response = RedirectResponse(going.url, 303)
    response.set_cookie(
        COOKIE, _sealed(request, going, wanted), httponly=True, samesite="lax", path=PATH,
        secure=guard.secure(request), max_age=LIVES,
    )  # fmt: skip
    return response


@router.get("/vao/sso")
def come_back(request: Request) -> Response:
    wanted = "/"
    try:
        kept = _kept(request)
        wanted = visitor.local(kept["wanted"])
        found = _identity(request, kept)
        response = auth.let_in(request, _account(request, found), "oidc", wanted)
    except Refused as error:
        log.info("single sign-on refused key=%s", error.key)
        response = auth.show(request, wanted, trouble=auth.trouble("sso", error))
    response.delete_cookie(
        COOKIE, path=PATH, httponly=True, samesite="lax", secure=guard.secure(request)
    )
    return response


def _provider(request: Request) -> Provider:
    found: Provider = request.app.state.provider
    if not found.offered:
        raise NotFound("page.missing")
    return found


def _sealed(request: Request, going: Going, wanted: str) -> str:
    rt: Runtime = request.app.state.rt
    said = {
        "state": going.state, "nonce": going.nonce, "verifier": going.verifier, "wanted": wanted,
        "at": int(visitor.clock().timestamp()),
    }  # fmt: skip
    return urlsafe_b64encode(rt.keys.hide(json.dumps(said).encode())).decode()


def _kept(request: Request) -> dict[str, Any]:
    """What this browser took along to the provider. Raises Refused: nothing, or too long ago."""
    rt: Runtime = request.app.state.rt
    _provider(request)
    try:
        text = rt.keys.reveal(urlsafe_b64decode(request.cookies.get(COOKIE, "")))
        kept: dict[str, Any] = json.loads(text)
    except (ConfigError, ValueError) as error:
        raise Refused("oidc.old") from error
    if visitor.clock().timestamp() - kept["at"] > LIVES:
        raise Refused("oidc.old")
    return kept


def _identity(request: Request, kept: dict[str, Any]) -> Identity:
    asked, provider = request.query_params, _provider(request)
    if not hmac.compare_digest(asked.get("state", "").encode(), kept["state"].encode()):
        raise Refused("oidc.old")
    if asked.get("iss", provider.issuer) != provider.issuer:  # RFC 9207
        raise Refused("oidc.failed")
    if asked.get("error") or not asked.get("code"):
        raise Refused("oidc.denied")
    return provider.come_back(asked["code"], kept["nonce"], kept["verifier"])


def _account(request: Request, found: Identity) -> Any:
    rt: Runtime = request.app.state.rt
    with rt.sessions.begin() as session:
        by = By(Actor("ntm", via="page"), rt.now())
        account = accounts.by_identity(session, found.key, found.email, by)
    if account is None:
        raise Refused("oidc.nobody")
    return account
