"""Claims about body cells, on the cells of the 2020 appendix and on damaged ones."""

from __future__ import annotations

import pytest

from ntm_workflow.appendix.bodies import Register
from ntm_workflow.appendix.model import Plan


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
