"""Other offices' papers: one in which all is right, and the same with one misprint each."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import docx
import pytest

from ntm_workflow.appendix.finding_codes import FindingKind, kind
from ntm_workflow.appendix.importers import drafting, files
from ntm_workflow.appendix.importers.document import squash
from ntm_workflow.appendix.importers.known import NOBODY
from ntm_workflow.appendix.model import Finding


@dataclass(frozen=True)
class Paper:
    """A paper in which everything is right, and what to misprint in it.

    `place` of each is where the finding must stand; the misprinted words must be
    in one of its quotes.
    """

    text: str
    wrong: tuple[tuple[str, str, str, str], ...]  # right words, wrong words, code, place


TABLE = """
Phụ lục: Phân công nhiệm vụ
(Kèm theo Kế hoạch số {number} ngày {day} của UBND)

STT\tNội dung công việc\tCơ quan chủ trì\tCơ quan phối hợp\tThời gian
1\tRà soát các tiêu chí\tVăn phòng Điều phối\tUBND các xã\tQuý I
2\tTổng hợp, báo cáo\tVăn phòng Điều phối\tUBND các xã\tTháng 12
"""
HEAD = "Số: {number}\n\n{place}, ngày {date}\n\nKẾ HOẠCH\n\n{title}\n\n"

PROVINCE = Paper(
    HEAD.format(number="45/KH-UBND", place="Hà Giang", date="15 tháng 3 năm 2021",
                title="Xây dựng nông thôn mới tỉnh Hà Giang năm 2021")
    + """Căn cứ Quyết định số 263/QĐ-TTg ngày 22 tháng 02 năm 2021 của Thủ tướng Chính phủ;
Căn cứ Nghị quyết số 25/2020/QH14 ngày 28/7/2020 của Quốc hội;
Thực hiện Nghị quyết số 25/2020/QH14 ngày 28 tháng 7 năm 2020 của Quốc hội về đầu tư công.

I. MỤC TIÊU

Có 52/175 xã đạt chuẩn, chiếm 29,7%; 133/175 xã có đường ô tô đến trung tâm, đạt 76%.

II. KINH PHÍ

1. Tổng kinh phí là 1.250 tỷ đồng, gồm:

a) Ngân sách trung ương: 800 tỷ đồng (64%), trong đó:

- Vốn đầu tư phát triển: 500 tỷ đồng;

- Vốn sự nghiệp: 300 tỷ đồng;

b) Ngân sách địa phương: 350 tỷ đồng (28%);

c) Huy động khác: 100 tỷ đồng (8%).

2. Riêng quý I phân bổ 90,5 tỷ đồng, bao gồm 60,2 tỷ đồng vốn đầu tư và 30,3 tỷ đồng vốn sự \
nghiệp.
"""
    + TABLE.format(number="45/KH-UBND", day="15/3/2021"),
    (
        ("ngày 28 tháng 7 năm 2020", "ngày 29 tháng 7 năm 2020", "document.two_days",
         "đầu văn bản"),
        ("263/QĐ-TTg ngày 22 tháng 02 năm 2021", "263/QĐ-TTg ngày 22 tháng 02 năm 2022",
         "document.later", "đầu văn bản"),
        ("chiếm 29,7%", "chiếm 29,1%", "share.wrong", "phần I"),
        ("chiếm 29,7%", "chiếm 30,7%", "share.wrong", "phần I"),
        ("800 tỷ đồng (64%)", "810 tỷ đồng (64,8%)", "sum.differs", "phần II.1"),
        ("800 tỷ đồng (64%)", "800 tỷ đồng (66%)", "share.wrong", "phần II.1.a"),
        ("phát triển: 500 tỷ", "phát triển: 550 tỷ", "sum.differs", "phần II.1.a"),
        ("phát triển: 500 tỷ", "phát triển: 450 tỷ", "sum.short", "phần II.1.a"),
        ("30,3 tỷ đồng vốn", "31,3 tỷ đồng vốn", "sum.differs", "phần II.2"),
        ("15/3/2021", "16/3/2021", "note.day", "phụ lục"),
        ("Kế hoạch số 45/", "Kế hoạch số 54/", "note.number", "phụ lục"),
        ("Kế hoạch số 45/KH-UBND ngày 15/3/2021", "Kế hoạch số /KH-UBND ngày /3/2021",
         "note.blank", "phụ lục"),
    ),
)  # fmt: skip

COMMUNE = Paper(
    HEAD.format(number="07/KH-UBND", place="Vũ Lễ", date="20 tháng 01 năm 2026",
                title="Xây dựng nông thôn mới xã Vũ Lễ năm 2026")
    + """Căn cứ Quyết định số 51/2025/QĐ-TTg ngày 29 tháng 12 năm 2025 của Thủ tướng Chính phủ.

1. Mục tiêu

- Xã có 12 thôn, gồm 9 thôn vùng cao và 3 thôn vùng thấp.

- Phấn đấu có thêm 03 thôn đạt chuẩn (Quang Thái, Minh Tiến và Ngả Hai); xây dựng 02 khu dân cư \
kiểu mẫu tại các thôn (Quang Thái, Lân Cà).

- Đã bê tông hóa 30/40 km đường trục thôn (75%).

2. Tổ chức thực hiện

Giao thôn Ngả Hai, thôn Lân Cà làm điểm. Xã Vũ Lễ phân công cán bộ; UBND xã Vũ Lễ kiểm tra, rà \
soát, kiện toàn Ban Phát triển thôn trước ngày 28/02/2026.
"""
    + TABLE.format(number="07/KH-UBND", day="20/01/2026"),
    (
        ("51/2025/QĐ-TTg ngày 29 tháng 12 năm 2025", "51/2025/QĐ-TTg ngày 29 tháng 12 năm 2024",
         "document.number_year", "đầu văn bản"),
        ("12 thôn, gồm", "13 thôn, gồm", "count.parts", "phần 1"),
        ("03 thôn đạt chuẩn", "04 thôn đạt chuẩn", "count.names", "phần 1"),
        ("(Quang Thái, Minh Tiến và Ngả Hai)", "(Quang Thái, Minh Tiến)", "count.names", "phần 1"),
        ("02 khu dân cư", "03 khu dân cư", "count.places", "phần 1"),
        ("(75%)", "(78%)", "share.wrong", "phần 1"),
        ("UBND xã Vũ Lễ kiểm tra", "UBND xã Vũ Lê kiểm tra", "name.variant", "phần 2"),
        ("28/02/2026", "30/02/2026", "date.impossible", "phần 2"),
        ("kiện toàn", "kiên toàn", "spelling", "phần 2"),
        ("kiểm tra, rà soát", "kiểm tra, rà xoát", "spelling", "phần 2"),
    ),
)  # fmt: skip

_TARGETS = "\n\n".join(
    f"- Tiêu chí số {n} - Nội dung {n}: Năm 2022 phấn đấu có thêm {added} xã đạt chuẩn tiêu chí, "
    f"nâng tổng số xã đạt tiêu chí trên toàn huyện lên {reached}/20 xã, chiếm tỷ lệ {5 * reached}%."
    for n, added, reached in [
        (n, 1 if n == 2 else 0, 12 if n in (2, 10) else 16) for n in range(1, 20)
    ]
).replace("có thêm 0 xã đạt chuẩn tiêu chí, nâng tổng số", "duy trì tổng số")
DISTRICT = Paper(
    HEAD.format(number="28/KH-UBND", place="Bắc Hà", date="10 tháng 02 năm 2022",
                title="Xây dựng nông thôn mới huyện Bắc Hà năm 2022")
    + """I. MỤC TIÊU

1. Mục tiêu chung

Huyện có 21 đơn vị hành chính cấp xã, gồm 20 xã và 01 thị trấn. Hoàn thành 01 xã (xã Tà Chải), \
xã Na Hối phấn đấu đạt thêm 1 tiêu chí. Năm 2022 bình quân mỗi xã đạt 14,8 tiêu chí, trong đó:

- Số xã đạt 19 tiêu chí là 12/20 xã, chiếm 60%;

- Số xã đạt 15-18 tiêu chí là 05/20 xã, chiếm 25%;

- Số xã đạt dưới 15 tiêu chí là 3/20 xã, chiếm 15%.

Duy trì kết quả tại các xã đạt chuẩn nông thôn mới giai đoạn 2016-2020.

2. Chỉ tiêu cụ thể

"""
    + _TARGETS
    + """

II. GIẢI PHÁP

Thực hiện Chương trình mục tiêu quốc gia xây dựng nông thôn mới giai đoạn 2021-2025, tiếp nối \
Chương trình mục tiêu quốc gia xây dựng nông thôn mới giai đoạn 2016-2020. Củng cố các xã đã \
đạt chuẩn NTM giai đoạn 2016 - 2020. Rà soát theo Bộ tiêu chí giai đoạn 2021-2025.
"""
    + TABLE.format(number="28/KH-UBND", day="10/02/2022")
    + """
BIỂU TỔNG HỢP TIÊU CHÍ THỰC HIỆN NĂM 2022

Tiêu chí\tSố lượng\tThực hiện\tPhụ trách hướng dẫn
Tiêu chí số 2 - Nội dung 2\t1\tXã Na Hối\tPhòng Kinh tế
""",
    (
        ("21 đơn vị", "22 đơn vị", "count.parts", "phần I.1"),
        ("01 xã (xã Tà Chải)", "02 xã (xã Tà Chải)", "count.names", "phần I.1"),
        ("đạt thêm 1 tiêu chí", "đạt thêm 3 tiêu chí", "commune.criteria", "phần I.1"),
        ("đạt 14,8 tiêu chí", "đạt 17 tiêu chí", "average.differs", "phần I.1"),
        ("05/20 xã, chiếm 25%", "06/20 xã, chiếm 30%", "groups.differ", "phần I.1"),
        ("12/20 xã, chiếm 60%", "14/20 xã, chiếm 70%", "groups.above_target", "phần I.1"),
        ("tại các xã đạt chuẩn nông thôn mới giai đoạn 2016-2020",
         "tại các xã đạt chuẩn nông thôn mới giai đoạn 2017-2020", "period.differs", "phần I.1"),
        ("Phụ lục: Phân công nhiệm vụ", "Phụ lục: Phân công nhiệm vụ năm 2021", "title.year",
         "phụ lục"),
    ),
)  # fmt: skip

DECISION = Paper(
    HEAD.format(number="112/KH-UBND", place="Yên Minh", date="05 tháng 4 năm 2024",
                title="Giảm nghèo và xây dựng nông thôn mới huyện Yên Minh năm 2024")
    + """Phần thứ nhất. KẾT QUẢ

Năm 2023 hỗ trợ 2 tỷ 500 triệu đồng, gồm 1 tỷ 800 triệu đồng vốn nhà nước và 700 triệu đồng xã \
hội hóa. Định mức 50 triệu đồng/nhà, trong đó ngân sách 40 triệu đồng/nhà.

Phần thứ hai. NHIỆM VỤ

Điều 1. Tổng nguồn vốn là 4.000.000.000 đồng. Trong đó vốn tỉnh giao là 1.000.000.000 đồng.

Điều 2. Cơ cấu

- Vốn nhà nước 3.000 triệu đồng (chiếm 75%).

- Vốn khác 1.000 triệu đồng (chiếm 25%).

Điều 3. Kinh phí 600 triệu đồng, trong đó chi mua vật tư 300 triệu đồng (xi măng 200 triệu \
đồng, cát 100 triệu đồng), chi nhân công 250 triệu đồng.

Điều 4. Hỗ trợ 15 xã, trong đó có xã Lũng Hồ; 05 xã điểm gồm: Lũng Hồ, Du Già, Mậu Duệ, Bạch \
Đích và Na Khê.
"""
    + TABLE.format(number="112/KH-UBND", day="05/4/2024"),
    (
        ("700 triệu đồng xã hội", "800 triệu đồng xã hội", "sum.differs", "phần nhất"),
        ("nhân công 250 triệu", "nhân công 350 triệu", "sum.differs", "Điều 3"),
        ("Vốn khác 1.000 triệu đồng (chiếm 25%)", "Vốn khác 1.000 triệu đồng (chiếm 27%)",
         "share.wrong", "Điều 2"),
        ("Du Già, Mậu Duệ,", "Mậu Duệ,", "count.names", "Điều 4"),
        ("05 xã điểm", "5 xã, 06 xã điểm", "count.names", "Điều 4"),
    ),
)  # fmt: skip

WORDS = Paper(
    HEAD.format(number="03/KH-UBND", place="Tân Lập", date="06 tháng 01 năm 2023",
                title="Xây dựng nông thôn mới xã Tân Lập năm 2023")
    + """I. NHIỆM VỤ

Chú trọng phần đầu tư công; phát huy ý kiến toàn dân, bùng nổ lực lượng trẻ; tìm hiểu lịch sử \
lý thú của xã Nhất Hòa; từng bước từng bước nâng cao đời sống.

Phấn đấu hoàn thành các tiêu chí; tuyên truyền, vận động nhân dân xây dựng đời sống văn hóa; \
nâng cao thu nhập; bảo đảm trật tự và an toàn xã hội; giảm nghèo 3% trở lên tại xã Nhất Hòa.

Cử cán bộ tham gia các lớp tập huấn chuyên sâu về quản lý đầu tư. Tổ chức giám sát cộng đồng \
theo quy định của pháp luật.
"""
    + TABLE.format(number="03/KH-UBND", day="06/01/2023"),
    (
        ("Phấn đấu hoàn thành", "Phần đầu hoàn thành", "spelling", "phần I"),
        ("Chú trọng", "Trú trọng", "spelling", "phần I"),
        ("an toàn xã hội;", "an toàn xã;", "spelling", "phần I"),
        ("tuyên truyền, vận", "tuyên truyền tuyên truyền, vận", "repeat.words", "phần I"),
        ("nâng cao thu nhập;", "nâng cao thu nhập, xây dựng đời sống văn hóa;", "", ""),
        ("giảm nghèo 3% trở lên", "giảm nghèo từ 2 - 3% trở lên", "range.and_up", "phần I"),
        ("tại xã Nhất Hòa", "tại xã Nhất Hoà", "name.tone", "phần I"),
        ("tại xã Nhất Hòa", "tại xã Nhất Hóa", "name.variant", "phần I"),
    ),
)  # fmt: skip

EMPTY = Paper(
    HEAD.format(number="09/KH-UBND", place="Đồng Ý", date="02 tháng 02 năm 2021",
                title="Xây dựng nông thôn mới xã Đồng Ý năm 2021")
    + TABLE.format(number="09/KH-UBND", day="02/02/2021").replace(
        "2\tTổng hợp", "3\tKiểm tra các thôn\tUBND xã\tcác thôn\tTháng 6\n2\tTổng hợp"),
    (
        ("Rà soát các tiêu chí\tVăn phòng Điều phối\tUBND các xã\tQuý I",
         "Rà soát các tiêu chí\tVăn phòng Điều phối\tUBND các xã\t", "row.no_timing", "I.1"),
        ("Tổng hợp, báo cáo\tVăn phòng Điều phối", "Tổng hợp, báo cáo\t", "row.no_implementing",
         "I.3"),
    ),
)  # fmt: skip

PAPERS = {
    "province": PROVINCE, "commune": COMMUNE, "district": DISTRICT, "articles": DECISION,
    "words": WORDS, "empty cells": EMPTY,
}  # fmt: skip
CASES = [(name, *one) for name, paper in PAPERS.items() for one in paper.wrong]


def found(text: str | bytes) -> tuple[Finding, ...]:
    data = text.encode() if isinstance(text, str) else text
    return drafting.make(files.read(data), NOBODY).found.draft.findings


@pytest.mark.parametrize("name", PAPERS)
def test_a_paper_in_which_all_is_right_is_not_accused(name: str) -> None:
    assert found(PAPERS[name].text) == ()


@pytest.mark.parametrize(
    ("name", "right", "wrong", "code", "place"),
    CASES,
    ids=[f"{case[0]}: {case[3]}: {case[2][:30]}" for case in CASES],
)
def test_one_misprint_is_found_at_its_place_with_its_words(
    name: str, right: str, wrong: str, code: str, place: str
) -> None:
    text = PAPERS[name].text
    assert text.count(right) == 1
    told = found(text.replace(right, wrong))
    if not code:
        assert [one for one in told if kind(one.code) is FindingKind.CONTRADICTION] == []
        return
    [one] = [one for one in told if one.code == code]
    assert one.where == place
    misprinted = squash(wrong.split("\t")[0])
    assert code.startswith("row.") or any(
        misprinted.strip(".;:") in quote.text or quote.text in misprinted for quote in one.quotes
    ), one.quotes


def test_a_list_in_word_that_opens_on_a_line_of_its_own_is_added_up() -> None:
    def paper(last: str) -> bytes:
        made: Any = docx.Document()
        lines = (
            "I. KINH PHÍ",
            "Tổng kinh phí 900 triệu đồng.",
            "Trong đó:",
            "+ Ngân sách huyện 600 triệu đồng;",
            f"+ Ngân sách xã {last} triệu đồng.",
        )
        for line in lines:
            made.add_paragraph(line)
        rows = [("Nội dung", "Cơ quan chủ trì", "Thời gian"), ("Tổng hợp", "UBND xã", "Quý I")]
        table = made.add_table(rows=2, cols=3)
        for row, texts in zip(table.rows, rows, strict=True):
            for cell, said in zip(row.cells, texts, strict=True):
                cell.text = said
        out = io.BytesIO()
        made.save(out)
        return out.getvalue()

    assert found(paper("300")) == ()
    [one] = found(paper("400"))
    assert (one.code, one.where) == ("sum.differs", "phần I")
    assert one.data["added"] == "1.000 triệu đồng"
    assert [quote.text for quote in one.quotes] == [
        "Tổng kinh phí 900 triệu đồng",
        "Ngân sách huyện 600 triệu đồng",
        "Ngân sách xã 400 triệu đồng",
    ]  # fmt: skip
