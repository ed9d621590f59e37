"""The one table of who may open and do what. What is not in it is refused.

`ask` stands before every page: who is it, which role, and, where a thing belongs
to a body, which body. An office sees the things of its own bodies only; those of
others are not there for it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from fastapi import Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.routing import compile_path

from ntm_workflow.errors import NotFound, NtmError
from ntm_workflow.store.tables import EvidenceFile, Submission, Task
from ntm_workflow.web import forms, guard, visitor
from ntm_workflow.work.accounts import Role, Who

log = logging.getLogger("ntm.web")
Owner = Callable[[Session, Mapping[str, str]], str | None]
Roles = frozenset[Role]

ALL = frozenset(Role)
DESK = frozenset({Role.ADMINISTRATOR, Role.COORDINATION})  # who runs the plans
READERS = DESK | {Role.LEADER, Role.INSPECTOR}
OWN = DESK | {Role.OFFICE}
DECIDERS = DESK | {Role.LEADER}
LOOPBACK = frozenset({"127.0.0.1", "::1"})


class SignInFirst(NtmError):
    """Nobody is signed in, or no longer."""


class ChangeFirst(NtmError):
    """The password that was told once must be changed before anything else."""


class Forbidden(NtmError):
    """Somebody is signed in who may not do this."""


@dataclass(frozen=True, slots=True)
class Right:
    """Who may use one route. `roles` None: everybody, signed in or not.

    `owner` names the body that a thing belongs to: for an office it must be one
    of its own. `acts` narrows the roles by the `{name}` of the route. `settling`:
    open to who must still change a password.
    """

    roles: Roles | None
    owner: Owner | None = None
    acts: Mapping[str, Roles] | None = None
    settling: bool = False
    loopback: bool = False


def _task(session: Session, said: Mapping[str, str]) -> str | None:
    number = forms.integer(said["task_id"])
    return session.scalar(select(Task.body_id).where(Task.id == number)) if number else None


def _file(session: Session, said: Mapping[str, str]) -> str | None:
    number = forms.integer(said["file_id"])
    query = select(Task.body_id).join(Submission, Submission.task_id == Task.id)
    query = query.join(EvidenceFile, EvidenceFile.submission_id == Submission.id)
    return session.scalar(query.where(EvidenceFile.id == number)) if number else None


def _body(session: Session, said: Mapping[str, str]) -> str | None:
    return said["body_id"]


def _code(session: Session, said: Mapping[str, str]) -> str | None:
    return said["body"]


EVERYBODY, ANYBODY = Right(None), Right(ALL, settling=True)
READ, RUN = Right(READERS), Right(DESK)
_TASK_ACTS: dict[str, Roles] = {
    **dict.fromkeys(("nop", "luu-nhap", "xin-gia-han", "khong-phai-viec", "tiep-nhan"), OWN),
    **dict.fromkeys(("dat", "tra-lai", "dong-y-gia-han", "khong-gia-han", "gia-han"), DECIDERS),
    **dict.fromkeys(("chuyen-don-vi", "khong-giao-nua", "van-phai-lam"), DECIDERS),
    **dict.fromkeys(("tam-dung", "tiep-tuc", "huy"), DESK),
}

TABLE: dict[str, Right] = {
    # Everybody.
    "GET /healthz": EVERYBODY,
    "GET /livez": Right(None, loopback=True),
    "GET /v/{token}": EVERYBODY,
    "GET /v/{token}/lich.ics": EVERYBODY,
    "GET /v/{token}/moi": EVERYBODY,
    "POST /v/{token}/moi": EVERYBODY,
    "GET /v/{token}/viec/{task}": EVERYBODY,
    "GET /v/{token}/viec/{task}/bien-nhan/{number}": EVERYBODY,
    "GET /v/{token}/viec/{task}/{name}": EVERYBODY,
    "POST /v/{token}/viec/{task}/{name}": EVERYBODY,
    "GET /v/xac-nhan/{token}": EVERYBODY,
    "POST /v/xac-nhan/{token}": EVERYBODY,
    "GET /v/ngung/{token}": EVERYBODY,
    "POST /v/ngung/{token}": EVERYBODY,
    "POST /ngon-ngu": EVERYBODY,
    "GET /ngon-ngu": EVERYBODY,
    "POST /zalo/{channel}": EVERYBODY,  # a signature says that it is Zalo
    "GET /vao": EVERYBODY,
    "POST /vao": EVERYBODY,
    "GET /vao/lan-dau/{token}": EVERYBODY,
    "POST /vao/lan-dau/{token}": EVERYBODY,
    "POST /vao/mo-phong": EVERYBODY,
    "GET /vao/ma": EVERYBODY,
    "POST /vao/ma": EVERYBODY,
    "GET /vao/sso": EVERYBODY,
    "GET /vao/sso/di": EVERYBODY,
    # Whoever is signed in, about themselves.
    "POST /ra": ANYBODY,
    "GET /ra": ANYBODY,
    "GET /tai-khoan": ANYBODY,
    "POST /tai-khoan/{name}": ANYBODY,
    "GET /tai-khoan/{name}": ANYBODY,
    # Tasks.
    "GET /": Right(ALL),  # an office is led to its tasks
    "GET /viec": Right(ALL),  # an office: its own tasks
    "GET /viec/ma/{row}/{period}/{body}": Right(ALL, owner=_code),
    "GET /viec/{task_id}": Right(ALL, owner=_task),
    "GET /viec/{task_id}/{name}": Right(ALL, owner=_task),
    "POST /viec/{task_id}/{name}": Right(OWN | DECIDERS, owner=_task, acts=_TASK_ACTS),
    "GET /tham-dinh": Right(DECIDERS),
    "GET /tham-dinh/{task_id}": Right(DECIDERS),
    "GET /tham-dinh/{task_id}/{name}": Right(DECIDERS),
    "POST /tham-dinh/{task_id}/{name}": Right(DECIDERS),
    # The paper is everybody's; how it stands, an office is told of its own tasks alone.
    "GET /lich": Right(ALL),
    "GET /lich/{when}": Right(ALL),
    "GET /phu-luc": Right(ALL),
    "GET /tieu-chi": Right(ALL),
    "GET /giu-lai": Right(ALL),  # what somebody typed themselves
    "GET /minh-chung/{file_id}": Right(ALL, owner=_file),
    "POST /xuat/viec": Right(ALL),  # as in the list: an office its own
    "GET /xuat/{name}": Right(ALL),
    "GET /don-vi/{body_id}/lich.ics": Right(ALL, owner=_body),
    # Reading.
    "GET /bieu-do": READ,
    "GET /phu-luc/{row_id}": READ,
    "GET /cau-hoi": READ,
    "GET /don-vi": READ,
    "GET /don-vi/{body_id}": READ,
    "GET /don-vi/{body_id}/lich-su": READ,
    "GET /don-vi/{body_id}/don-doc": READ,
    "GET /viec/{task_id}/don-doc": READ,
    "GET /thong-bao": READ,
    "GET /thu": READ,
    "GET /thong-bao/{notice_id}": READ,
    "GET /thong-bao/{notice_id}/thu": READ,
    "GET /nhat-ky": READ,
    "POST /xuat/nhat-ky": READ,
    "GET /thu-tra-loi": READ,
    "GET /kenh": READ,
    "GET /du-bao": READ,
    "GET /lien-he": READ,
    "GET /lien-he/xuat.{kind}": READ,
    "GET /lien-he/{number}": READ,
    # Accounts.
    "GET /nguoi-dung": Right(frozenset({Role.ADMINISTRATOR})),
    "POST /nguoi-dung": Right(frozenset({Role.ADMINISTRATOR})),
    "GET /nguoi-dung/{number}": Right(frozenset({Role.ADMINISTRATOR})),
    "POST /nguoi-dung/{number}/{name}": Right(frozenset({Role.ADMINISTRATOR})),
    "GET /nguoi-dung/{number}/{name}": Right(frozenset({Role.ADMINISTRATOR})),
    # Running the plans.
    "POST /mo-phong": RUN,
    "GET /xu-ly": RUN,
    "POST /xu-ly": RUN,
    "POST /bo-loc": RUN,
    "GET /bo-loc": RUN,
    "POST /bo-loc/{filter_id}/xoa": RUN,
    "GET /bo-loc/{filter_id}/xoa": RUN,
    "POST /thu-tra-loi/{number}/da-xem": RUN,
    "POST /thu-tra-loi/{number}/giao": RUN,
    "GET /thu-tra-loi/{number}/tep/{index}": RUN,
    "GET /thu-tra-loi/{number}/{name}": RUN,
    "POST /lien-he/{number}/ma-lien-ket": RUN,
    "POST /thong-bao/{notice_id}/quyet-dinh": RUN,
    "GET /thong-bao/{notice_id}/quyet-dinh": RUN,
    "POST /kenh/{name}": RUN,
    "GET /kenh/{name}": RUN,
    "GET /ban-giao": RUN,
    "POST /ban-giao/su-kien/{number}": RUN,
    "GET /ban-giao/su-kien/{number}": RUN,
    "POST /ban-giao/{number}/{name}": RUN,
    "GET /ban-giao/{number}/{name}": RUN,
    "GET /don-doc": RUN,
    "POST /don-doc": RUN,
    "GET /lien-he/moi": RUN,
    "POST /lien-he/moi": RUN,
    "GET /lien-he/nhap": RUN,
    "POST /lien-he/nhap": RUN,
    "GET /lien-he/nhap/ghi": RUN,
    "POST /lien-he/nhap/ghi": RUN,
    "POST /lien-he/{number}/{name}": RUN,
    "GET /lien-he/{number}/{name}": RUN,
    "GET /thu-den": RUN,  # the mail of a simulation holds personal links
    "GET /thu-den/{name}": RUN,
    "GET /thu-den/{name}/thu": RUN,
    "GET /nhap": RUN,
    "POST /nhap": RUN,
    "GET /nhap/doc/{token}": RUN,
    "GET /nhap/{draft_id}": RUN,
    "GET /nhap/{draft_id}/don-vi": RUN,
    "POST /nhap/{draft_id}/don-vi": RUN,
    "GET /nhap/{draft_id}/doi-chieu": RUN,
    "GET /nhap/{draft_id}/phu-luc.toml": RUN,
    "GET /nhap/{draft_id}/xem-truoc": RUN,
    "GET /nhap/{draft_id}/dang-chay": RUN,
    "GET /nhap/{draft_id}/bo": RUN,
    "POST /nhap/{draft_id}/bo": RUN,
    "POST /nhap/{draft_id}/tra-loi": RUN,
    "POST /nhap/{draft_id}/cot": RUN,
    "POST /nhap/{draft_id}/xa": RUN,
    "POST /nhap/{draft_id}/lan-truoc": RUN,
    "POST /nhap/{draft_id}/thuc-hien": RUN,
    "GET /nhap/{draft_id}/{name}": RUN,
}


# -- before every page -----------------------------------------------------------------


def ask(request: Request) -> None:
    """May this be done, by whoever asks?

    Raises:
        SignInFirst, ChangeFirst: something comes first.
        Forbidden: not in this role, or nobody has said who may.
        NotFound: it is another body's, and not even that is to be told.
    """
    key = f"{request.method} {request.scope['route'].path}"
    right = TABLE.get(key)
    if right is None:
        log.error("nobody has said who may use %s", key)
        raise Forbidden("rights.page")
    if right.loopback and visitor.address(request) not in LOOPBACK:
        raise NotFound("page.missing")
    if right.roles is None:
        return
    who = visitor.known(request)
    if who is None:
        raise SignInFirst("rights.sign_in")
    if who.must_change and not right.settling:
        raise ChangeFirst("rights.change")
    _check(request, right, who)


def _check(request: Request, right: Right, who: Who) -> None:
    said = request.path_params
    roles = right.roles or frozenset()
    if right.acts is not None and said["name"] in right.acts:
        roles &= right.acts[said["name"]]
    if who.role is Role.OFFICE and right.owner:
        with request.app.state.rt.reader() as session:
            if right.owner(session, said) not in who.bodies:
                log.info("foreign thing refused path=%s", guard.shown(request.url.path))
                raise NotFound("rights.not_there")
    if who.role not in roles:
        log.info("refused role=%s path=%s", who.role, guard.shown(request.url.path))
        raise Forbidden("rights.page")


# -- what a page offers ------------------------------------------------------------------


def may(who: Who | None, address: str, method: str = "GET") -> bool:
    """Whether somebody's role opens an address; which body it is about is not asked."""
    path = address.partition("?")[0].partition("#")[0]
    return path.startswith("/static/") or _may(who.role if who else None, path, method)


@lru_cache(maxsize=4_096)  # a page asks of its navigation and of each link
def _may(role: Role | None, path: str, method: str) -> bool:
    found = _named(method, path)
    if found is None:
        return False
    right, said = found
    roles = right.roles
    if roles is not None and right.acts is not None and "name" in said:
        roles &= right.acts.get(said["name"], roles)
    return roles is None or role in roles


def _named(method: str, path: str) -> tuple[Right, dict[str, str]] | None:
    """The right of an address: the entry with the most words of its own."""
    for pattern, right in _patterns().get((method, path.split("/")[1]), ()):
        if found := pattern.fullmatch(path):
            return right, found.groupdict()
    return None


@cache
def _patterns() -> dict[tuple[str, str], list[tuple[re.Pattern[str], Right]]]:
    found: dict[tuple[str, str], list[tuple[re.Pattern[str], Right]]] = {}
    for key in sorted(TABLE, key=lambda one: (one.count("{"), one)):
        method, path = key.split(" ")
        pattern, _, _ = compile_path(path)
        found.setdefault((method, path.split("/")[1]), []).append((pattern, TABLE[key]))
    return found


# A fold that holds nothing but a form, a form, a line that is nothing but a link, a link.
_FOLD = re.compile(
    r"<details\b[^>]*>\s*<summary>(?:(?!</summary>).)*</summary>\s*"
    r'<form\b[^>]*? method="post"[^>]*? action="(/[^"]*)"(?:(?!</form>).)*</form>\s*</details>',
    re.S,
)
_LINE = re.compile(r'<p\b[^>]*>\s*<a\b[^>]*? href="(/[^"]*)"[^>]*>[^<]*</a>\s*</p>')
_LINK = re.compile(r'<a\b[^>]*? href="(/[^"]*)"[^>]*>(.*?)</a>', re.S)
_FORM = re.compile(r'<form\b[^>]*? method="post"[^>]*? action="(/[^"]*)"[^>]*>.*?</form>', re.S)


def pruned(html: str, who: Who | None) -> str:
    """A page without links and forms that its reader may not use: the words of links stay.

    In one place for all templates, which need to ask `may` only where something
    reads better without them.
    """
    for pattern in (_FOLD, _FORM):
        html = pattern.sub(lambda form: form[0] if may(who, form[1], "POST") else "", html)
    html = _LINE.sub(lambda line: line[0] if may(who, line[1]) else "", html)
    return _LINK.sub(lambda link: link[0] if may(who, link[1]) else link[2], html)
