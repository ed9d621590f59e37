"""What goes with the quarter's chase: the drafted letter and the summary, as they arrive.

The run of 2/6/2020 comes ten working days before the report of the second quarter.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from email.message import EmailMessage
from typing import Any

import pytest
from docx import Document

from ntm_workflow.appendix.model import Plan
from ntm_workflow.runtime import Runtime
from ntm_workflow.work import heads
from tests.scene import SYSTEM, Scene, only
from tests.smtp_sink import Sink

Stage = Callable[..., Scene]
RUN = date(2020, 6, 2)
OPENED = date(2020, 6, 1)
CONTENT = "Thực hiện rà soát thực trạng"  # of row III.1


@pytest.fixture
def scene(stage: Stage) -> Scene:
    return peopled(stage("III.1", "XI.1"))


def peopled(scene: Scene) -> Scene:
    """Two communes, the coordination office and the committee that directs."""
    scene.contact("an", "bql-tan-lap", "bcd-tan-lap")
    scene.contact("binh", "vpdp-huyen")
    scene.contact("chi", "bcd-huyen")
    scene.contact("dung", "bql-vu-le", "bcd-vu-le")
    return scene


def run(scene: Scene) -> None:
    scene.open(OPENED)
    scene.quarter(RUN)
    scene.deliver(RUN)


def mail(sink: Sink, to: str, subject: str) -> EmailMessage:
    (found,) = [
        one
        for one in sink.mails
        if one["To"].addresses[0].addr_spec == Scene.email(to) and subject in one["Subject"]
    ]
    return found


def text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def letter(mail: EmailMessage) -> Any:
    (attached,) = mail.iter_attachments()
    return Document(io.BytesIO(attached.get_content()))


def words(made: Any) -> str:
    cells = [c.text for table in made.tables for row in table.rows for c in row.cells]
    return "\n".join([*(p.text for p in made.paragraphs), *cells])


def test_letter_and_summary_print_how_the_audit_ended_that_morning(
    scene: Scene, sink: Sink
) -> None:
    rt = scene.rt
    scene.open(OPENED)
    with rt.sessions.begin() as session:
        head = heads.sign(session, rt.signer, today=RUN, now=rt.moment(RUN), actor=SYSTEM)
        assert head
        printed = heads.short(head)
    scene.quarter(RUN)
    scene.deliver(RUN)
    last = letter(mail(sink, "binh", "Dự thảo")).paragraphs[-1]
    assert printed in last.text
    assert last.runs[0].font.size.pt == 9
    assert printed in " ".join(text(mail(sink, "chi", "quý")).split())


# -- the letter --------------------------------------------------------------------


def test_the_office_gets_the_letter_drafted_for_it_to_number_and_sign(
    scene: Scene, sink: Sink
) -> None:
    run(scene)
    came = mail(sink, "binh", "Dự thảo công văn")
    (attached,) = came.iter_attachments()
    assert attached.get_filename() == "Dự thảo công văn đôn đốc quý II-2020 - 28-KH-UBND.docx"
    said = words(letter(came))
    for part in (
        "Số:        /…", "V/v đôn đốc thực hiện nhiệm vụ quý II/2020 theo Kế hoạch số 28/KH-UBND",
        "ỦY BAN NHÂN DÂN HUYỆN BẮC SƠN", "Bắc Sơn, ngày      tháng      năm",
        "Các cơ quan, đơn vị có tên trong danh sách kèm theo", "trước 16/6/2020",
        "Ban Quản lý xây dựng nông thôn mới xã Tân Lập", "[Họ và tên]",
    ):  # fmt: skip
        assert part in said
    assert "ghi số, ngày" in text(came)


def test_the_letter_lists_what_is_still_owed_and_nothing_that_was_handed_in(
    scene: Scene, sink: Sink
) -> None:
    scene.open(OPENED)
    for code in scene.codes():
        if code.endswith("-vu-le"):
            scene.submit(code, OPENED)
    scene.quarter(RUN)
    scene.submit("XI.1/2020-Q2/bql-tan-lap", RUN)  # between the run and the mail
    scene.deliver(RUN)
    said = words(letter(mail(sink, "binh", "Dự thảo công văn")))
    assert "xã Vũ Lễ" not in said
    tan_lap = [
        row.cells[2].text
        for row in letter(mail(sink, "binh", "Dự thảo công văn")).tables[-1].rows
        if "(" in row.cells[2].text
    ]
    assert tan_lap


def test_a_letter_to_few_bodies_names_them_one_by_one(
    make_runtime: Callable[..., Runtime], database_url: str, plan: Plan, sink: Sink
) -> None:
    few = only(plan, "II.1")
    scene = peopled(Scene(make_runtime(database_url, plan=few, mail_url=sink.url)))
    run(scene)
    said = words(letter(mail(sink, "binh", "Dự thảo công văn")))
    assert "Kính gửi: Phòng Tài chính - Kế hoạch" in said


def test_a_confidential_row_is_in_no_letter_and_the_office_is_told_that_it_is_not(
    make_runtime: Callable[..., Runtime], database_url: str, plan: Plan, sink: Sink
) -> None:
    both = only(plan, "III.1", "XI.1")
    rows = (replace(r, secrecy="mật") if r.id == "III.1" else r for r in both.rows)
    hushed = replace(both, rows=tuple(rows), digest="hushed")
    scene = peopled(Scene(make_runtime(database_url, plan=hushed, mail_url=sink.url)))
    run(scene)
    came = mail(sink, "binh", "Dự thảo công văn")
    assert CONTENT not in words(letter(came))
    assert "34 việc thuộc dòng mật" in text(came)
    assert "Các dòng mật không tính" in text(mail(sink, "chi", "Tổng hợp"))


def test_where_only_confidential_rows_are_owed_no_letter_is_drafted(
    make_runtime: Callable[..., Runtime], database_url: str, plan: Plan, sink: Sink
) -> None:
    rows = (replace(r, secrecy="mật") for r in only(plan, "III.1").rows)
    hushed = replace(only(plan, "III.1"), rows=tuple(rows), digest="hushed")
    scene = peopled(Scene(make_runtime(database_url, plan=hushed, mail_url=sink.url)))
    run(scene)
    came = mail(sink, "binh", "Dự thảo công văn")
    assert not list(came.iter_attachments())
    assert "không lập dự thảo" in text(came)


def test_the_letter_is_sent_once_however_often_the_run_is_repeated(
    scene: Scene, sink: Sink
) -> None:
    for _ in range(3):
        run(scene)
    assert sum("Dự thảo công văn" in one["Subject"] for one in sink.mails) == 1
    (notice,) = [one for one in scene.notices() if one.kind == "quarter-letter"]
    assert notice.attachments == ["Dự thảo công văn đôn đốc quý II-2020 - 28-KH-UBND.docx"]


def test_nothing_is_drafted_where_nobody_owes_anything(scene: Scene) -> None:
    scene.open(OPENED)
    for code in scene.codes():
        scene.submit(code, OPENED)
    scene.quarter(RUN)
    assert scene.notices() == []


# -- the summary ---------------------------------------------------------------------


def test_who_directs_gets_the_four_counts_of_each_body_and_they_add_up(
    scene: Scene, sink: Sink
) -> None:
    scene.open(OPENED)
    scene.submit("III.1/2020-06/bql-vu-le", OPENED)
    scene.accept("III.1/2020-06/bql-vu-le", OPENED)
    scene.quarter(RUN)
    scene.deliver(RUN)
    came = mail(sink, "chi", "Tổng hợp quý II/2020")
    told = text(came)
    assert (
        "BQL NTM xã Vũ Lễ: 5 việc, gồm 1 hoàn thành đúng hạn, 0 hoàn thành quá hạn, "
        "3 chưa hoàn thành trong hạn, 1 chưa hoàn thành quá hạn" in told
    )
    figures = [
        [int(word) for word in line.split(": ")[1].replace(",", "").split() if word.isdigit()]
        for line in told.splitlines()
        if " việc, gồm " in line
    ]
    assert all(total == sum(four) for total, *four in figures)
    assert [sum(column) for column in zip(*figures[:-1], strict=True)] == figures[-1]
    html = came.get_body(("html",))
    assert html is not None
    assert "<th scope=" in html.get_content()
    assert CONTENT not in html.get_content()


def test_the_summary_keeps_what_a_template_of_another_channel_is_filled_with(
    scene: Scene,
) -> None:
    run(scene)
    (notice,) = [one for one in scene.notices() if one.kind == "quarter-summary"]
    assert notice.parameters["ten"] == "chi"
    assert notice.parameters["so_viec"] == "91"
