"""Sentence by sentence: what is a contradiction, and what only looks like one."""

from __future__ import annotations

from fractions import Fraction

import pytest

from ntm_workflow.appendix import figures, slips
from ntm_workflow.appendix.claims import check
from ntm_workflow.appendix.importers.document import Document, Paragraph
from ntm_workflow.appendix.importers.pieces import Draft, Head
from ntm_workflow.appendix.model import Finding


def found(text: str) -> list[Finding]:
    lines = tuple(Paragraph(line) for line in text.split("\n"))
    draft = Draft(Head(), (), (), (), (), ())
    return list(check.find(Document("txt", lines), (), draft, None))


WRONG = {
    "Có 9/17 xã, chiếm 52,4%": "share.wrong",
    "Có 9/17 xã (52,9%); 8/17 xã (47%)": None,
    "Có 11/17 xã đạt chuẩn, chiếm tỷ lệ 64,7%": None,
    "Có 11/17 xã đạt chuẩn, chiếm tỷ lệ 64%": "share.cut",
    "Có 1.204/2.345 hộ, đạt 51,3%": None,
    "Có 1.204/2.345 hộ, đạt 53,1%": "share.wrong",
    "Duy trì 17/17 xã có tỷ lệ người tham gia bảo hiểm trên 85%": None,
    "Có 12/14 chỉ tiêu hoàn thành, đạt 134% kế hoạch": None,
    "Ngày 22/5 đạt 50%": None,
    "Có 5/10 xã có tỷ lệ hộ nghèo dưới 5%": None,
    "Tổng vốn 100 tỷ đồng, gồm 60 tỷ đồng vốn tỉnh và 30 tỷ đồng vốn huyện": "sum.differs",
    "Tổng vốn 100 tỷ đồng, trong đó vốn tỉnh 60 tỷ đồng, vốn huyện 30 tỷ đồng": None,
    "Tổng vốn 100 tỷ đồng, trong đó vốn tỉnh 80 tỷ đồng, vốn huyện 30 tỷ đồng": "sum.differs",
    "Vốn 100 tỷ đồng, gồm 60 tỷ đồng (40 tỷ đồng mới, 20 tỷ đồng cũ) và 40 tỷ đồng vay": None,
    "Vốn 100 tỷ đồng, gồm vốn nhà nước 60 tỷ đồng: mới 40 tỷ đồng, cũ 20 tỷ đồng; vay 40 tỷ đồng":
        None,
    "Khoảng 100 tỷ đồng, gồm 60 tỷ đồng vốn tỉnh và 30 tỷ đồng vốn huyện": None,
    "Vốn nhà nước 110 tỷ đồng, gồm 50 tỷ đồng vốn tỉnh và 50 tỷ đồng vốn huyện": "sum.differs",
    "Vốn 225 tỷ đồng, gồm 122 tỷ đồng, 71, 4 tỷ đồng và 32, 4 tỷ đồng": None,
    "Vốn 10,4 tỷ đồng, gồm 5,25 tỷ đồng vốn tỉnh và 5,12 tỷ đồng vốn huyện": None,
    "Thưởng 1 tỷ đồng, gồm một giải nhất 500 triệu đồng, hai giải nhì 100 triệu đồng": None,
    "Cả nước có 2 triệu đồng bào, trong đó 3 triệu đồng bào": None,
    "Hỗ trợ 50 triệu đồng/hộ, gồm 40 triệu đồng/hộ và 20 triệu đồng/hộ": None,
    "Có 3 xã (Vũ Lễ, Tân Lập)": "count.names",
    "Có 3 xã (Vũ Lễ, Tân Lập và Nhất Hòa)": None,
    "Có 3 xã (Vũ Lễ, Tân Lập, …)": None,
    "Có 3 xã như: Vũ Lễ, Tân Lập": None,
    "Có 3 xã (trừ Vũ Lễ, Tân Lập)": None,
    "Có 3 xã (NTM)": None,
    "Có 02 xã (Biểu số 1)": None,
    "Có 3 thôn (Thôn 1, 2 và 3)": None,
    "Có 2 thôn (Thôn 1, 2 và 3)": "count.names",
    "Có 4 thôn (Hồng Phong 1, Hồng Phong 2, Nà Lay)": "count.names",
    "Có 2 thôn (thôn Nà Lay, xã Vũ Lễ; thôn Nà Pán, xã Tân Lập)": None,
    "Có 3 xã gồm: Vũ Lễ (thôn Nà Lay), Tân Lập và Nhất Hòa.": None,
    "Có 20 xã, phường (Vũ Lễ, Tân Lập)": "count.names",
    "Huyện có 15 đơn vị, gồm 08 xã và 07 phường": None,
    "Huyện có 161 đơn vị gồm 139 xã, 8 phường, 14 thị trấn": None,
    "Huyện có 161 đơn vị gồm 139 xã, 8 phường, 15 thị trấn": "count.parts",
    "Kế hoạch gồm 5 nội dung, 3 giai đoạn": None,
    "Số xã đạt 19 tiêu chí là 7/17 xã; số xã đạt 10-18 tiêu chí là 5/17 xã": None,
    "Quyết định số 51/2025/QĐ-TTg ngày 29/12/2025; Quyết định số 51/2025/QĐ-TTg ngày 29/12/2025":
        None,
    "Quyết định số 05/QĐ-UBND ngày 3/2/2020; Quyết định số 05/QĐ-UBND ngày 8/2/2020":
        "document.two_days",
    "Quyết định số 05/QĐ-UBND ngày 3/2/2020 của UBND tỉnh; Quyết định số 05/QĐ-UBND "
    "ngày 8/2/2020 của UBND huyện": None,
    "Quyết định số 05/QĐ-UBND ngày 3/2/2020; Quyết định số 05/QĐ-UBND ngày 8/7/2021": None,
    "Quyết định số 05/QĐ-UBND ngày 3/2/2020; Quyết định số 05/QĐ-UBND ngày 3/2/2021":
        "document.two_days",
    "Trước ngày 31/6/2020": "date.impossible",
    "Trước ngày 29/02/2020": None,
    "Chương trình OCOP giai đoạn 2021-2025; Chương trình OCOP giai đoạn 2022-2025":
        "period.differs",
    "Chương trình OCOP giai đoạn 2016-2020; Chương trình OCOP giai đoạn 2021-2025": None,
    "Chương trình OCOP giai đoạn 2011-2020; Chương trình OCOP giai đoạn 2016-2020": None,
    "Đề án OCOP giai đoạn 2021-2025; Chương trình NTM giai đoạn 2022-2025": None,
    "Kế hoạch giai đoạn 2021-2025; Kế hoạch giai đoạn 2022-2025": None,
    "Xã Bắc Quỳnh làm điểm; UBND xã Bắc Quýnh báo cáo; xã Bắc Quỳnh tổng kết": "name.variant",
    "Cửa khẩu Tân Thanh; xã Tân Thành; xã Tân Lập": None,
    "Ông Tô Văn Thái chủ trì, đồng chí Tô Văn Thải phối hợp": "name.variant",
    "Xã Nhất Hoà và xã Nhất Hòa": "name.tone",
    "Từng bước từng bước nâng cao": None,
    "Triển khai triển khai kế hoạch": "repeat.words",
    "Viện kiểm sát kiểm sát việc chấp hành": None,
}  # fmt: skip


@pytest.mark.parametrize(("text", "code"), WRONG.items(), ids=[text[:60] for text in WRONG])
def test_a_sentence_is_accused_of_what_is_wrong_in_it_and_of_nothing_else(
    text: str, code: str | None
) -> None:
    assert [one.code for one in found(text)] == ([code] if code else [])


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Kiến toàn bộ máy", "Kiện toàn"),
        ("lấy ý kiến toàn dân", None),
        ("BIỂU PHÂN ĐẦU NĂM 2020", "PHẤN ĐẤU"),
        ("phân đầu tư cho xã", None),
        ("phần đầu đạt chuẩn", "phấn đấu"),
        ("phần đầu của kế hoạch", None),
        ("hạch hặc lẫn nhau", None),
        ("nhựa hóa hặc bê tông hóa", "hoặc"),
        ("lịch sử lý luận", None),
        ("bùng nổ lực lượng", None),
        ("phần đấu thầu", None),
        ("cơ thể mạnh khỏe, con thể mạnh dạn", None),
        ("cây, con thể mạnh", "thế mạnh"),
        ("BCD cấp xã", "BCĐ"),
        ("các tiêu chí không cần", None),
        ("lựa chọn các tiêu không cần", "các tiêu chí"),
    ],
)
def test_a_slip_is_one_only_where_it_is_no_word(text: str, meant: str | None) -> None:
    assert [slip.meant for slip in slips.find(text)] == ([meant] if meant else [])


@pytest.mark.parametrize(
    ("printed", "exact", "fits"),
    [
        ("52", "900/17", "cut"),  # 52,94
        ("53", "900/17", "right"),
        ("52,9", "900/17", "right"),
        ("51", "900/17", "wrong"),
        ("49,4", "4400/89", "right"),  # 49,438
        ("1,2", "100/89", "wrong"),  # 1,124
        ("12,5", "25/2", "right"),
        ("12", "25/2", "right"),  # a half goes both ways
        ("13", "25/2", "right"),
    ],
)
def test_a_share_is_right_when_rounded(printed: str, exact: str, fits: str) -> None:
    figure = figures.figure(printed)
    assert figure is not None
    assert figures.percent_fits(figure, Fraction(exact)) == fits


@pytest.mark.parametrize(
    ("text", "dong"),
    [
        ("222.500 triệu đồng", [222_500_000_000]),
        ("2 tỷ 500 triệu đồng", [2_500_000_000]),
        ("1,5 tỷ đồng và 300 nghìn đồng", [1_500_000_000, 300_000]),
        ("4.000.000.000 đồng", [4_000_000_000]),
        ("22 triệu đồng/người/năm", []),
        ("28,038 tỷ đồng", []),  # thousands, or three decimals?
        ("2 triệu đồng bào", []),
        ("2 triệu lượt khách", []),
        ("kinh phí 350 triệu.", [350_000_000]),
    ],
)
def test_money_is_read_in_dong(text: str, dong: list[int]) -> None:
    assert [one.value for one in figures.money(text)] == dong
