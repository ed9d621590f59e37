"""Where every page of the application is, in an office with half a year behind it.

`pages` names each entry of the table of rights that draws a page, who opens it and
where, and under "" what is refused; `NO_PAGE` has the entries that lead elsewhere or
bring a file.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import select

from ntm_workflow import runtime, settings, simulation
from ntm_workflow.appendix.model import Plan
from ntm_workflow.channels import mailbox
from ntm_workflow.chase import confirm, incoming, notice_seal
from ntm_workflow.chase.postmark import STOP_PATH
from ntm_workflow.runtime import Runtime
from ntm_workflow.serve import mail_catcher
from ntm_workflow.store import schema
from ntm_workflow.store.tables import Address, AuditEntry, Notice, Task
from ntm_workflow.web import visitor
from ntm_workflow.web.app import create_app
from ntm_workflow.work import links, web_sessions
from ntm_workflow.work.accounts import Role
from ntm_workflow.work.audit import Action
from ntm_workflow.work.contacts import By
from tests import mails
from tests.bodies_scene import NEW, Bodies, end, merge, split
from tests.importers import makers
from tests.scene import SYSTEM, put
from tests.web.test_import_page import damaged, new_draft
from tests.web.web_office import ROOT, Person

DAY = date(2020, 6, 22)
BOX = "imap://a:b@127.0.0.1:9/?address=traloi@bacson.example.vn.invalid"
VU_LE = "vanthu.vu-le@bacson.example.vn.invalid"
LONG_WORD = "550 5.1.1 <hop-thu-khong-con-ton-tai-nua@mien-rat-dai.example.vn>: x"
TAN_LAP = "vanthu.tan-lap@bacson.example.vn.invalid"
ROLES = {"A": Role.ADMINISTRATOR, "C": Role.COORDINATION, "O": Role.OFFICE, "L": Role.LEADER,
         "I": Role.INSPECTOR}  # fmt: skip

NO_PAGE = {
    "GET /healthz", "GET /livez", "GET /v/{token}/lich.ics", "GET /v/{token}/viec/{task}/{name}",
    "GET /ra", "GET /tai-khoan/{name}", "GET /viec/ma/{row}/{period}/{body}",
    "GET /viec/{task_id}/{name}", "GET /tham-dinh/{task_id}/{name}",
    "GET /giu-lai",  # leads to the form that was kept: tried where one is
    "GET /minh-chung/{file_id}", "GET /xuat/{name}",
    "GET /don-vi/{body_id}/lich.ics", "GET /thu",
    "GET /lien-he/xuat.{kind}", "GET /bo-loc", "GET /bo-loc/{filter_id}/xoa",
    "GET /thu-tra-loi/{number}/{name}", "GET /thu-tra-loi/{number}/tep/{index}",
    "GET /thong-bao/{notice_id}/quyet-dinh",
    "GET /kenh/{name}", "GET /lien-he/nhap/ghi", "GET /lien-he/{number}/{name}",
    "GET /nhap/{draft_id}/phu-luc.toml", "GET /nhap/{draft_id}/{name}",
    "GET /vao/sso", "GET /vao/sso/di", "GET /v/{token}/moi",
    "GET /ngon-ngu", "GET /nguoi-dung/{number}/{name}",
    "GET /ban-giao/{number}/{name}", "GET /ban-giao/su-kien/{number}",
    "GET /nhap/doc/{token}",  # waits for a file
    "GET /nhap/{draft_id}/dang-chay",  # once it runs: tried where an import ends
}  # fmt: skip


def lived_in(folder: Path, plan: Plan) -> Runtime:
    """The office on 22 June 2020 as a simulation leaves it, with a mail nobody can place."""
    base = settings.load({"NTM_ROOT": str(ROOT), "NTM_VAR": str(folder), "NTM_MAILBOX_URL": BOX})
    rt = runtime.assemble(base, plan)
    schema.check(rt.engine)
    with rt.sessions.begin() as session:
        put(session, plan, rt.now())
    simulation.prepare(rt, DAY)
    mail = mails.reply(mails.OURS, "nguoi.la@xa.invalid", "Xin hỏi về hạn báo cáo.")
    incoming.keep(rt, mailbox.Fetched("1", len(mail), True, mail))
    incoming.check(rt, actor=SYSTEM)
    with rt.sessions.begin() as session:
        broken = session.scalars(select(Address).where(Address.value == VU_LE)).one()
        broken.unusable_at, broken.unusable_why = rt.now(), LONG_WORD
    _ended(Bodies(rt))
    return rt


def _ended(town: Bodies) -> None:
    """Bodies that have ended and left work behind: some of it refused, most not decided."""
    town.record(merge("bql-tan-thanh", "bql-tan-tri", into=NEW, on=DAY))
    town.record(split("bql-chieu-vu", "bql-mot", "bql-hai", on=DAY))
    town.record(end("bql-vu-lang", on=DAY))
    town.keep_up(DAY)
    town.refuse(town.proposals("proposed")[0].id, day=DAY)


def pages(rt: Runtime) -> dict[str, list[tuple[str, str]]]:
    """For each entry that draws a page: the letter of who opens it ("" for nobody), and where."""
    clerk = Person(create_app(rt), rt)
    now, clean = rt.now(), makers.TEXT.replace("Số: 28".encode(), "Số: 31".encode(), 1)
    asking, ready = new_draft(clerk, damaged()), new_draft(clerk, clean)
    mail = mail_catcher.caught(rt.settings.var / "mail", 1)[0].path.stem
    with rt.sessions.begin() as session:
        owner = session.scalars(select(Address).where(Address.value == TAN_LAP)).one()
        notice = session.scalars(
            select(Notice).where(Notice.contact_id == owner.contact_id, Notice.state == "sent")
        ).first()
        assert notice
        link = (
            f"/v/{links.token(rt.keys, links.make(session, owner.contact_id, 45, By(SYSTEM, now)))}"
        )
        past = By(SYSTEM, now - timedelta(days=60))
        old = f"/v/{links.token(rt.keys, links.make(session, owner.contact_id, 45, past))}"
        mine = select(Task).where(Task.body_id == "bql-tan-lap")
        owed = session.scalars(mine.where(Task.state == "open")).first()
        done = session.scalars(mine.where(Task.state == "accepted")).first()
        assert owed
        assert done
        given = session.scalars(
            select(AuditEntry.seq).where(
                AuditEntry.action == Action.TASK_SUBMITTED, AuditEntry.subject == done.code
            )
        ).first()
        states = [
            session.scalars(select(Task.id).where(Task.state == state)).first()
            for state in ("submitted", "accepted")
        ]
        first = web_sessions.ticket(session, "first", None, visitor.clock())
        confirming, stop = (
            confirm.token(rt.keys, owner),
            notice_seal.made(rt.keys, notice_seal.STOP, notice),
        )
        contact, notice_id = owner.contact_id, notice.id
        unreached = session.scalars(select(Address.contact_id).where(Address.value == VU_LE)).one()
    found = {
        "GET /v/{token}": [link],
        "GET /v/{token}/viec/{task}": [f"{link}/viec/{owed.id}", f"{link}/viec/{done.id}"],
        "GET /v/{token}/viec/{task}/bien-nhan/{number}": [
            f"{link}/viec/{done.id}/bien-nhan/{given}"
        ],
        "GET /v/xac-nhan/{token}": [confirm.PATH + confirming],
        "GET /v/ngung/{token}": [STOP_PATH + stop],
        "GET /vao": ["/vao?den=/viec"],
        "GET /vao/lan-dau/{token}": [f"/vao/lan-dau/{first}"],
        "GET /vao/ma": ["/vao/ma"],
        "GET /tai-khoan": ["C /tai-khoan"],
        "GET /": ["C /", "L /"],
        "GET /viec": [
            "C /viec", "C /viec?tinh-trang=qua-han&cap=xa", "C /viec?tim=khongco",
            "C /viec?tinh-trang=sai", "O /viec",
        ],
        "GET /viec/{task_id}": [
            *(f"C /viec/{one}" for one in states), f"O /viec/{owed.id}", f"I /viec/{done.id}",
        ],
        "GET /tham-dinh": ["C /tham-dinh", "L /tham-dinh"],
        "GET /tham-dinh/{task_id}": [f"C /tham-dinh/{states[0]}"],
        "GET /lich": ["C /lich", "O /lich"],
        "GET /lich/{when}": ["C /lich/2020-06", "C /lich/2020-W26", "O /lich/2020-06"],
        "GET /bieu-do": ["L /bieu-do"],
        "GET /phu-luc": ["C /phu-luc", "O /phu-luc"],
        "GET /phu-luc/{row_id}": ["C /phu-luc/VI.1", "C /phu-luc/TC16"],
        "GET /cau-hoi": ["C /cau-hoi", "L /cau-hoi"],
        "GET /tieu-chi": ["L /tieu-chi", "O /tieu-chi"],
        "GET /don-vi": ["L /don-vi"],
        "GET /don-vi/{body_id}": ["I /don-vi/bql-tan-lap"],
        "GET /don-vi/{body_id}/lich-su": ["C /don-vi/bql-tan-lap/lich-su"],
        "GET /don-vi/{body_id}/don-doc": ["C /don-vi/bql-tan-lap/don-doc"],
        "GET /viec/{task_id}/don-doc": [f"C /viec/{owed.id}/don-doc"],
        "GET /thong-bao": ["C /thong-bao", f"I /thong-bao?lien-he={contact}&trang-thai=sent"],
        "GET /thong-bao/{notice_id}": [f"C /thong-bao/{notice_id}"],
        "GET /thong-bao/{notice_id}/thu": [f"C /thong-bao/{notice_id}/thu"],
        "GET /nhat-ky": ["I /nhat-ky?hanh-dong=task.submitted"],
        "GET /thu-tra-loi": ["C /thu-tra-loi"],
        "GET /kenh": ["A /kenh"],
        "GET /du-bao": ["C /du-bao"],
        "GET /lien-he": ["C /lien-he", "L /lien-he?tinh-trang=chua-co"],
        "GET /lien-he/{number}": [f"C /lien-he/{contact}", f"C /lien-he/{unreached}"],
        "GET /xu-ly": [f"C /xu-ly?lam=gia-han&chon={owed.id}.{owed.version}"],
        "GET /don-doc": [f"C /don-doc?viec={owed.id}"],
        "GET /ban-giao": ["C /ban-giao", "A /ban-giao?xem=da-tu-choi", "C /ban-giao?su-kien=2"],
        "GET /lien-he/moi": ["C /lien-he/moi"],
        "GET /lien-he/nhap": ["C /lien-he/nhap"],
        "GET /thu-den": ["C /thu-den"],
        "GET /thu-den/{name}": [f"C /thu-den/{mail}"],
        "GET /thu-den/{name}/thu": [f"C /thu-den/{mail}/thu"],
        "GET /nguoi-dung": ["A /nguoi-dung"],
        "GET /nguoi-dung/{number}": ["A /nguoi-dung/1"],
        "GET /nhap": ["A /nhap"],
        "GET /nhap/{draft_id}": [f"A /nhap/{asking}"],
        "GET /nhap/{draft_id}/don-vi": [f"A /nhap/{asking}/don-vi"],
        "GET /nhap/{draft_id}/doi-chieu": [f"A /nhap/{asking}/doi-chieu"],
        "GET /nhap/{draft_id}/xem-truoc": [
            f"A /nhap/{asking}/xem-truoc", f"A /nhap/{ready}/xem-truoc",
        ],
        "GET /nhap/{draft_id}/bo": [f"A /nhap/{asking}/bo"],
        "": [
            old, f"{link}x", f"{confirm.PATH}x", f"{STOP_PATH}x", "/vao/lan-dau/x", "C /khong-co",
            "O /nhap", "C /xu-ly?lam=gi", "A /nhap/doc/x",
        ],
    }  # fmt: skip
    return {key: [_asked(one) for one in places] for key, places in found.items()}


def _asked(one: str) -> tuple[str, str]:
    who, _, path = one.rpartition(" ")
    return who, path
