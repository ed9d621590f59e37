"""The contacts file: every fault at once, nothing changed by a fault, and there and back again."""

from __future__ import annotations

import csv
import io
import unicodedata
import zipfile
from datetime import date, time
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from sqlalchemy import select

from ntm_workflow.errors import Refused
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Address, AuditEntry, Channel, Contact, ContactBody
from ntm_workflow.work import audit, contact_card, contact_import, contact_lines, contact_sheet
from ntm_workflow.work.audit import Action
from ntm_workflow.work.contact_import import Comparison
from ntm_workflow.work.contact_lines import ContactLine, Known
from ntm_workflow.work.contact_sheet import ContactFaults
from tests.conftest import TESTER

HEAD = "body,name,role,email,bot,order,absent_from,absent_until,deputy,quiet,digest_at"
FULL = f"""{HEAD}
ubnd-tan-lap|bql-tan-lap,Văn thư xã Tân Lập,đầu mối|theo dõi,vt.tanlap@x.vn,6ede,"bot, mail+",\
1/6/2020,30/6/2020,vt.vule@x.vn,22:00-6:00,8:30
bql-vu-le,Văn thư xã Vũ Lễ,,vt.vule@x.vn,,,2020-07-01,,,,
vpdp-huyen,Chuyên viên VPĐP,tổng hợp,,9f00,,,,Văn thư xã Vũ Lễ,,7h
"""


@pytest.fixture
def office(rt: Runtime) -> Runtime:
    """A channel "bot" beside mail, and no contact yet."""
    with rt.sessions.begin() as session:
        session.add(Channel(name="bot", kind="zalobot", settings={}))
    return rt


def known(rt: Runtime) -> Known:
    return Known(rt.all_plans, channels=("mail", "bot"))


def parsed(rt: Runtime, text: str | bytes) -> list[ContactLine]:
    return contact_lines.parse(text.encode() if isinstance(text, str) else text, known(rt))


def load(rt: Runtime, text: str | bytes, remove_missing: bool = False) -> Comparison:
    lines = parsed(rt, text)
    with rt.sessions.begin() as session:
        return contact_import.apply(
            session, lines, now=rt.now(), actor=TESTER, remove_missing=remove_missing
        )


def faults(rt: Runtime, text: str | bytes) -> list[tuple[int, str]]:
    with pytest.raises(ContactFaults) as error:
        load(rt, text)
    return [(one.line, one.key) for one in error.value.faults]


def rows(rt: Runtime) -> list[Any]:
    with rt.reader() as session:
        return contact_card.rows(session, {})


def everything(rt: Runtime) -> list[Any]:
    """All that is kept of contacts, as it stands in the tables."""
    with rt.reader() as session:
        return [
            session.execute(select(*table.__table__.columns).order_by(*keys)).all()
            for table, keys in (
                (Contact, [Contact.id]), (Address, [Address.id]),
                (ContactBody, [ContactBody.contact_id, ContactBody.body_id]),
            )
        ]  # fmt: skip


def workbook(rows: list[list[Any]]) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


# -- what is read ---------------------------------------------------------------------------


def test_a_full_line_says_everything_of_a_contact(office: Runtime) -> None:
    load(office, FULL)
    with office.reader() as session:
        tan_lap, vu_le, office_one = (c.contact for c in contact_card.load(session))
        assert contact_card.load(session)[0].roles == {
            "ubnd-tan-lap": "đầu mối", "bql-tan-lap": "theo dõi",
        }  # fmt: skip
        assert contact_card.order(tan_lap) == ("bot", "mail+")
        assert (tan_lap.absent_from, tan_lap.absent_until) == (date(2020, 6, 1), date(2020, 6, 30))
        assert (tan_lap.quiet_from, tan_lap.quiet_until) == (time(22), time(6))
        assert (tan_lap.digest_at, tan_lap.deputy_id) == (time(8, 30), vu_le.id)
        assert (vu_le.absent_from, vu_le.absent_until) == (date(2020, 7, 1), None)
        assert (office_one.email, office_one.deputy_id) == (None, vu_le.id)
        assert office_one.digest_at == time(7)


def test_headers_are_accepted_in_vietnamese_and_in_any_order(office: Runtime) -> None:
    text = "Thư điện tử;Đầu mối;ĐƠN VỊ;Vắng từ;Giờ nhận thư\na@x.vn;A;bql-vu-le;1/6/2020;8h30\n"
    (line,) = parsed(office, text)
    assert (line.email, line.bodies, line.role) == ("a@x.vn", ("bql-vu-le",), None)
    assert line.more == {"absent_from": date(2020, 6, 1), "digest_at": time(8, 30)}


def test_what_has_no_column_is_left_as_it_is(office: Runtime) -> None:
    load(office, FULL)
    before = everything(office)
    short = "body,name,email\nubnd-tan-lap|bql-tan-lap,Văn thư xã Tân Lập,vt.tanlap@x.vn\n"
    assert load(office, short).same == 1
    assert everything(office) == before


def test_an_empty_cell_takes_away_what_was_there(office: Runtime) -> None:
    load(office, FULL)
    load(office, f"{HEAD}\nbql-tan-lap,Văn thư xã Tân Lập,,vt.tanlap@x.vn,,,,,,,\n")
    with office.reader() as session:
        card = contact_card.load(session)[0]
        one = card.contact
        assert [a.channel for a in one.addresses] == ["mail"]
        assert (one.absent_from, one.deputy_id, one.quiet_from, one.digest_at) == (None,) * 4
        assert card.roles == {"bql-tan-lap": ""}


def test_decomposed_text_is_stored_composed(office: Runtime) -> None:
    text = unicodedata.normalize(
        "NFD", "Đơn vị,Đầu mối,Thư điện tử\nUBND xã Vũ Lễ,Văn thư,a@x.vn\n"
    )
    load(office, text)
    with office.reader() as session:
        names = session.scalars(select(Contact.name)).all()
    assert names == [unicodedata.normalize("NFC", "Văn thư")]


def test_lines_of_one_contact_are_joined(office: Runtime) -> None:
    (line,) = parsed(office, "body,name,email,role\nbql-vu-le,A,a@x.vn,x\nubnd-vu-le,a,A@x.vn,y\n")
    assert line.roles == {"bql-vu-le": "x", "ubnd-vu-le": "y"}


def test_a_workbook_is_read_as_it_shows(office: Runtime) -> None:
    data = workbook([
        ["Đơn vị", "Đầu mối", "Thư điện tử", "bot", "Vắng từ", "Giờ nhận thư"],
        ["UBND xã Vũ Lễ\nbql-vu-le", "Văn thư", "A@x.vn", 84912, date(2020, 6, 1), time(8, 30)],
    ])  # fmt: skip
    (line,) = parsed(office, data)
    assert line.bodies == ("ubnd-vu-le", "bql-vu-le")
    assert line.more == {"@bot": "84912", "absent_from": date(2020, 6, 1), "digest_at": time(8, 30)}


# -- what is refused --------------------------------------------------------------------------


def test_all_faults_of_a_file_come_at_once_and_nothing_is_changed(office: Runtime) -> None:
    load(office, FULL)
    before = everything(office)
    text = f"""{HEAD}
bql-vu-le,A,,a@@x.vn,,,,,,,
BQL xã Vũ Lệe,B,,b@x.vn,,,,,,,
bql-vu-le,,,c@x.vn,,,,,,,
bql-vu-le,D,,d@x.vn,,"mail, zalo",,,,,
bql-vu-le,E,,e@x.vn,,,31/2/2020,,,,
bql-vu-le,F,,f@x.vn,,,,30/6/2020,,,
bql-vu-le,G,,g@x.vn,,,5/6/2020,4/6/2020,,,
bql-vu-le,H,,h@x.vn,,,,,,22 giờ,
bql-vu-le,I,,i@x.vn,,,,,,,25:00
bql-vu-le,K,,k@x.vn,,,,,,,
bql-vu-le,L,,k@x.vn,,,,,,,
bql-vu-le,{"M" * 300},,m@x.vn,,,,,,,
"""
    assert faults(office, text) == [
        (2, "contacts.email"), (3, "contacts.body"), (4, "contacts.name"), (5, "contacts.channel"),
        (6, "contacts.day"), (7, "contacts.absent_no_start"), (8, "contacts.absent_order"),
        (9, "contacts.quiet"), (10, "contacts.digest_at"), (12, "contacts.twice"),
        (13, "contacts.long"),
    ]  # fmt: skip
    assert everything(office) == before


def test_faults_about_other_contacts_come_at_once_too(office: Runtime) -> None:
    load(office, FULL)
    before = everything(office)
    text = f"""{HEAD}
bql-vu-le,A,,a@x.vn,6ede,,,,,,
bql-vu-le,B,,b@x.vn,,,,,Không Ai,,
bql-vu-le,C,,c@x.vn,,,,,C,,
"""
    assert faults(office, text) == [
        (2, "contacts.taken"), (3, "contacts.deputy"), (4, "contacts.deputy_self"),
    ]  # fmt: skip
    assert everything(office) == before


def test_an_unknown_body_comes_with_its_nearest_names(office: Runtime) -> None:
    with pytest.raises(ContactFaults) as error:
        parsed(office, "body,name,email\nUBND xã Vũ Lệee,A,a@x.vn\n")
    assert "Vũ L" in str(error.value.faults[0].data["nearest"])


def test_an_unknown_column_comes_with_the_nearest_one(office: Runtime) -> None:
    with pytest.raises(ContactFaults) as error:
        parsed(office, "body,name,email,absnt_from,email\n")
    (one, twice) = error.value.faults
    assert (one.key, one.data["nearest"]) == ("contacts.column", "absent_from")
    assert twice.key == "contacts.column_twice"


@pytest.mark.parametrize(
    "data", [b"", b"\n\n", b"%PDF-1.4\n\xff", "body,name,email\nx,\u1ea1".encode("utf-16")]
)
def test_a_file_that_is_no_table_is_refused(office: Runtime, data: bytes) -> None:
    with pytest.raises((ContactFaults, Refused)):
        parsed(office, data)


def test_a_workbook_that_swells_is_refused(office: Runtime) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("[Content_Types].xml", "<Types/>")
        bomb.writestr("xl/workbook.xml", "<workbook/>")
        bomb.writestr("xl/worksheets/sheet1.xml", b"0" * 300_000_000)
    with pytest.raises(Refused):
        parsed(office, out.getvalue())


@pytest.mark.parametrize("data", [b"PK\x03\x04rubbish", b"\xd0\xcf\x11\xe0rubbish"])
def test_a_broken_or_locked_workbook_is_refused(office: Runtime, data: bytes) -> None:
    with pytest.raises(Refused):
        parsed(office, data)


def test_a_file_of_too_many_lines_is_refused(office: Runtime) -> None:
    text = "body,name,email\n" + "bql-vu-le,A,a@x.vn\n" * 10_001
    with pytest.raises(Refused):
        parsed(office, text)


# -- there and back ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [contact_sheet.as_csv, contact_sheet.as_xlsx])
def test_what_is_exported_and_imported_again_changes_nothing(office: Runtime, kind: Any) -> None:
    load(office, FULL)
    before, file = everything(office), kind(rows(office))
    again = load(office, file)
    assert (again.changes, again.missing, again.same) == ([], [], 3)
    assert everything(office) == before
    assert kind is contact_sheet.as_xlsx or kind(rows(office)) == file


@pytest.mark.parametrize("kind", [contact_sheet.as_csv, contact_sheet.as_xlsx])
def test_an_export_makes_the_same_contacts_elsewhere(office: Runtime, kind: Any) -> None:
    load(office, FULL)
    sheet = rows(office)
    file = kind(sheet)
    with office.sessions.begin() as session:
        for table in (ContactBody, Address):
            session.query(table).delete()
        session.query(Contact).update({"deputy_id": None})
        session.query(Contact).delete()
    load(office, file)
    assert rows(office) == sheet


def test_importing_the_same_file_twice_changes_nothing_the_second_time(office: Runtime) -> None:
    assert len(load(office, FULL).added) == 3
    assert load(office, FULL).changes == []
    with office.reader() as session:
        assert audit.verify(session) is None


@pytest.mark.parametrize("name", ["=1+1", "+84912345678", "-2", "@SUM(A1)", "'=1", "''+1", "＝1"])
@pytest.mark.parametrize("kind", [contact_sheet.as_csv, contact_sheet.as_xlsx])
def test_no_cell_runs_as_a_formula_and_each_comes_back_as_it_was(
    office: Runtime, name: str, kind: Any
) -> None:
    with office.sessions.begin() as session:
        session.add(Contact(name=name, addresses=[
            Address(channel="mail", value="a@x.vn", added_at=office.now()),
            Address(channel="bot", value="+84912345678", added_at=office.now(), rank=1),
        ]))  # fmt: skip
    file = kind(rows(office))
    if kind is contact_sheet.as_csv:
        cells = [c for row in csv.reader(io.StringIO(file.decode("utf-8-sig")), delimiter=";")
                 for c in row]  # fmt: skip
    else:
        sheet = load_workbook(io.BytesIO(file)).active
        assert sheet is not None
        assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
        cells = [str(cell.value or "") for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "＝"))]
    assert load(office, file).changes == []


# -- what an import does -----------------------------------------------------------------------


def test_whom_the_file_does_not_name_is_reported_and_stays(office: Runtime) -> None:
    load(office, FULL)
    short = "body,name,email\nbql-vu-le,Văn thư xã Vũ Lễ,vt.vule@x.vn\n"
    found = load(office, short)
    assert [card.contact.name for card in found.missing] == [
        "Văn thư xã Tân Lập", "Chuyên viên VPĐP",
    ]  # fmt: skip
    with office.reader() as session:
        assert all(session.scalars(select(Contact.active)))
    load(office, short, remove_missing=True)
    with office.reader() as session:
        active = session.scalars(select(Contact.name).where(Contact.active)).all()
        actions = session.scalars(select(AuditEntry.action)).all()
    assert active == ["Văn thư xã Vũ Lễ"]
    assert actions.count(Action.CONTACT_OFF) == 2


def test_whoever_is_named_again_is_in_use_again(office: Runtime) -> None:
    load(office, FULL)
    load(office, "body,name,email\nbql-vu-le,Văn thư xã Vũ Lễ,vt.vule@x.vn\n", True)
    load(office, FULL)
    with office.reader() as session:
        assert all(session.scalars(select(Contact.active)))


def test_two_contacts_may_swap_their_addresses(office: Runtime) -> None:
    load(office, "body,name,email,bot\nbql-vu-le,A,a@x.vn,1\nbql-tan-lap,B,b@x.vn,2\n")
    load(office, "body,name,email,bot\nbql-vu-le,A,a@x.vn,2\nbql-tan-lap,B,b@x.vn,1\n")
    with office.reader() as session:
        found = {c.contact.name: c.by_channel for c in contact_card.load(session)}
    assert found == {"A": {"mail": "a@x.vn", "bot": "2"}, "B": {"mail": "b@x.vn", "bot": "1"}}


def test_a_new_address_of_the_same_person_is_a_change_and_not_verified(office: Runtime) -> None:
    load(office, "body,name,email\nbql-vu-le,Văn thư,a@x.vn\n")
    with office.sessions.begin() as session:
        session.scalars(select(Address)).one().verified_at = office.now()
    found = load(office, "body,name,email\nbql-vu-le,Văn thư,moi@x.vn\n")
    assert [dict(one.fields) for one in found.changed] == [{"email": ("a@x.vn", "moi@x.vn")}]
    with office.reader() as session:
        (address,) = session.scalars(select(Address))
        assert (address.value, address.verified_at) == ("moi@x.vn", None)


def test_a_body_the_line_does_not_name_any_more_is_not_spoken_for(office: Runtime) -> None:
    load(office, "body,name,email\nbql-vu-le|ubnd-vu-le,A,a@x.vn\n")
    load(office, "body,name,email\nubnd-vu-le,A,a@x.vn\n")
    with office.reader() as session:
        assert session.scalars(select(ContactBody.body_id)).all() == ["ubnd-vu-le"]
