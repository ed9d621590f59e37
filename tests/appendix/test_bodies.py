"""Claims about body cells, on the cells of the 2020 appendix and on damaged ones."""

from __future__ import annotations

import pytest

from ntm_workflow.appendix.bodies import Register
from ntm_workflow.appendix.model import Level, Plan


@pytest.fixture(scope="module")
def register(plan: Plan) -> Register:
    return Register(plan.bodies, plan.units, plan.level)


def read(register: Register, cell: str) -> list[str]:
    """The bodies of a cell, communes folded into "bql-*"."""
    named, lost = register.resolve(cell)
    assert not lost, lost
    found: dict[str, None] = {}
    for name in named:
        for body in name.bodies:
            unit = register.bodies[body].unit
            found[body.removesuffix(unit) + "*" if unit else body] = None
    return list(found)


@pytest.mark.parametrize(
    ("cell", "bodies"),
    [
        ("BCĐ, BQL cấp xã", ["bcd-*", "bql-*"]),
        (
            "BCĐ xây dựng NTM và BCD giảm nghèo cấp huyện, cấp xã",
            ["bcd-huyen", "bcd-*", "bcd-giam-ngheo-huyen", "bcd-giam-ngheo-*"],
        ),
        ("UBND, BCD huyện", ["ubnd-huyen", "bcd-huyen"]),
        ("Phòng TC-KH và VPĐP huyện", ["phong-tc-kh", "vpdp-huyen"]),
        ("Phòng KT và HT, BCD, BQL xã", ["phong-kt-ht", "bcd-*", "bql-*"]),
        (
            "UBND các xã, Phòng NN và PTNT, Văn phòng Điều phối,",
            ["ubnd-*", "phong-nn-ptnt", "vpdp-huyen"],
        ),
        ("VPĐP huyện, BCD, BQL xây dựng NTM các xã", ["vpdp-huyen", "bcd-*", "bql-*"]),
        (
            "VPĐP huyện, Các cơ quan, đơn vị thành viên BCD; BQL các xã",
            ["vpdp-huyen", "co-quan-thanh-vien-bcd", "bql-*"],
        ),
        ("BCĐ huyện; BCD, BQL xã", ["bcd-huyen", "bcd-*", "bql-*"]),
        ("BCĐ cấp huyện, xã", ["bcd-huyen", "bcd-*"]),
        (
            "Phòng Nội Vụ, BTC Huyện ủy, Tư pháp, Lao động TB &XH - DT",
            ["phong-noi-vu", "btc-huyen-uy", "phong-tu-phap", "phong-ldtbxh-dt"],
        ),
        ("Thành viên BCD và các đơn vị liên quan", ["thanh-vien-bcd-huyen", "don-vi-lien-quan"]),
        ("Phòng Văn hóa và Thông tin", ["phong-vh-tt"]),
        ("Văn phòng Điều phối tỉnh", ["vpdp-tinh"]),
    ],
)
def test_a_cell_names_these_bodies(register: Register, cell: str, bodies: list[str]) -> None:
    assert read(register, cell) == bodies


def test_a_commune_level_name_stands_for_every_commune_of_the_programme(register: Register) -> None:
    named, _ = register.resolve("BQL cấp xã")
    assert len(named[0].bodies) == 17
    assert "bql-thi-tran-bac-son" not in named[0].bodies


def test_a_named_commune_is_that_commune_alone(register: Register) -> None:
    assert register.resolve("BCĐ xã Tân Lập")[0][0].bodies == ("bcd-tan-lap",)


def test_tone_placement_and_case_do_not_matter(register: Register) -> None:
    assert read(register, "PHÒNG VĂN HOÁ VÀ THÔNG TIN") == ["phong-vh-tt"]


def test_a_cell_typed_without_any_marks_is_read(register: Register) -> None:
    assert read(register, "BCD, BQL cap xa") == ["bcd-*", "bql-*"]


@pytest.mark.parametrize(
    ("cell", "lost", "nearest"),
    [
        ("BQL cấp xa", "BQL cấp xa", "BQL cấp xã"),
        ("Phòng TC-KM, VPĐP huyện", "Phòng TC-KM", "Phòng TC-KH"),
        ("Sở Xây dựng", "Sở Xây dựng", None),
    ],
)
def test_a_name_that_is_no_body_comes_back_with_the_nearest_names(
    register: Register, cell: str, lost: str, nearest: str | None
) -> None:
    unresolved = register.resolve(cell)[1]
    assert [one.printed for one in unresolved] == [lost]
    if nearest:
        assert nearest in unresolved[0].nearest


def test_what_follows_an_unknown_name_is_still_read(register: Register) -> None:
    named, lost = register.resolve("Sở Xây dựng, Phòng TC-KH")
    assert [name.bodies for name in named] == [("phong-tc-kh",)]
    assert len(lost) == 1


def test_an_alias_of_two_bodies_is_ambiguous_not_the_first(plan: Plan) -> None:
    from dataclasses import replace

    twins = [
        replace(body, aliases=(*body.aliases, "Phòng Kinh tế"))
        if body.id in ("phong-tc-kh", "phong-kt-ht")
        else body
        for body in plan.bodies
    ]
    _, lost = Register(twins, plan.units, plan.level).resolve("Phòng Kinh tế")
    assert lost[0].ambiguous == ("phong-kt-ht", "phong-tc-kh")


def test_units_of_a_criteria_line_are_read_and_strangers_reported(register: Register) -> None:
    known, lost = register.read_units("Xã Vũ Lễ, Tân Lập, Tân Hưng")
    assert [unit for _, unit in known] == ["vu-le", "tan-lap"]
    assert lost == ("Tân Hưng",)


@pytest.mark.parametrize(
    ("cell", "bodies"),
    [
        ("Phòng NN&PTNT, KT&HT", ["phong-nn-ptnt", "phong-kt-ht"]),
        ("Các phòng: Nội vụ, Tư pháp", ["phong-noi-vu", "phong-tu-phap"]),
        ("Phòng Nông nghiệp và Phát triển nông thôn", ["phong-nn-ptnt"]),
        ("P. TC-KH; P. Nội vụ", ["phong-tc-kh", "phong-noi-vu"]),
        ("Phòng VH-TT", ["phong-vh-tt"]),
        ("VP Điều phối NTM huyện", ["vpdp-huyen"]),
        ("UBND huyện (Phòng Nội vụ) chủ trì, phối hợp với UBND các xã",
         ["ubnd-huyen", "phong-noi-vu", "ubnd-*"]),
        ("1. Phòng Nội vụ\n2. UBND các xã Tân Lập, Vũ Lễ", ["phong-noi-vu", "ubnd-*"]),
        ("Chi cục Thốnng kê", ["chi-cuc-thong-ke"]),
    ],
)  # fmt: skip
def test_abbreviations_lists_brackets_and_one_slip_are_understood(
    register: Register, cell: str, bodies: list[str]
) -> None:
    assert read(register, cell) == bodies


def test_communes_named_in_a_list_are_those_communes_alone(register: Register) -> None:
    named, lost = register.resolve("UBND các xã: Tân Lập, Vũ Lễ")
    assert not lost
    assert [name.bodies for name in named] == [("ubnd-tan-lap",), ("ubnd-vu-le",)]


def test_a_name_without_a_level_takes_that_of_its_column(register: Register) -> None:
    assert register.resolve("BCĐ")[0][0].bodies == ("bcd-huyen",)
    assert register.resolve("BCĐ", Level.PROVINCE)[0][0].bodies == ("bcd-tinh",)


@pytest.mark.parametrize(
    "cell", ["Phòng TC-KM", "BQL cấp xa", "Phòng Nội vu, Thanh tra", "Sở Y tế"]
)
def test_a_slip_in_a_short_word_or_a_strange_body_stays_a_question(
    register: Register, cell: str
) -> None:
    assert register.resolve(cell)[1]


def test_a_class_nobody_has_listed_is_one_question_not_three(register: Register) -> None:
    named, lost = register.resolve("Các sở, ban, ngành; UBND các xã")
    assert [one.printed for one in lost] == ["Các sở, ban, ngành"]
    assert len(named) == 1


def test_two_bodies_one_slip_away_are_a_question(plan: Plan) -> None:
    from dataclasses import replace

    twins = [
        replace(body, aliases=(alias,)) if body.id == one else body
        for body in plan.bodies
        for one, alias in [("phong-tc-kh", "Trạm Thủyy nông"), ("phong-kt-ht", "Trạm Thủyk nông")]
        if body.id == one or body.id not in ("phong-tc-kh", "phong-kt-ht")
    ]
    register = Register({body.id: body for body in twins}.values(), plan.units, plan.level)
    assert register.resolve("Trạm Thủyp nông")[1]


def test_what_a_person_said_a_printed_name_means_goes_before_everything(plan: Plan) -> None:
    names = {
        "BQL cấp xa": "BQL cấp xã", "theo phân công": "", "Phòng Công thương": "kt-ht",
        "Hội A": "Hội A, Hội B", "Khối văn phòng": "VPĐP huyện và Phòng Nội vụ",
    }  # fmt: skip
    names["Phòng Công thương"] = next(b.id for b in plan.bodies if "Hạ tầng" in b.name)
    register = Register(plan.bodies, plan.units, plan.level, names)
    named, lost = register.resolve("BCĐ, BQL cấp xa; theo phân công, Phòng Công thương")
    assert lost == ()
    assert [(n.printed, len(n.bodies)) for n in named] == [
        ("BCĐ", 17), ("BQL cấp xa", 17), ("theo phân công", 0), ("Phòng Công thương", 1),
    ]  # fmt: skip
    named, lost = register.resolve("Khối văn phòng")
    assert (len({b for n in named for b in n.bodies}), lost) == (2, ())
    assert [one.printed for one in register.resolve("Hội A")[1]] == ["Hội A"]


def test_a_printed_commune_can_be_said_to_be_another_or_none(plan: Plan) -> None:
    names = {"xã Nhất Tiếng": "Nhất Tiến", "các thôn": ""}
    register = Register(plan.bodies, plan.units, plan.level, names)
    assert register.read_units("xã Nhất Tiếng, các thôn, Vũ Lễ") == (
        (("xã Nhất Tiếng", "nhat-tien"), ("Vũ Lễ", "vu-le")), (),
    )  # fmt: skip
