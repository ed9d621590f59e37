"""Claims about registers that are not the 2020 district's: a commune and a province of 2026."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntm_workflow.appendix.bodies import Register
from ntm_workflow.appendix.body_cells import split
from ntm_workflow.appendix.model import Body, BodyKind, Level, Unit


def body(
    id: str, name: str, short: str = "", *names: str, level: Level, unit: str | None = None
) -> Body:
    return Body(id, name, short or name, level, BodyKind.OFFICE, unit, names)


def of_commune(id: str, name: str, short: str = "", *names: str) -> Body:
    return body(id, name, short, *names, level=Level.COMMUNE)


def of_province(id: str, name: str, short: str = "", *names: str) -> Body:
    return body(id, name, short, *names, level=Level.PROVINCE)


COMMUNE = Register(
    [
        of_commune("ubnd", "Ủy ban nhân dân xã Bắc Sơn", "UBND xã", "UBND", "Ủy ban nhân dân"),
        of_commune("hdnd", "Hội đồng nhân dân xã", "HĐND xã", "HĐND"),
        of_commune("dang-uy", "Đảng ủy xã", "", "Đảng ủy"),
        of_commune("vp", "Văn phòng HĐND và UBND xã", "Văn phòng HĐND và UBND"),
        of_commune("kinh-te", "Phòng Kinh tế"),
        of_commune("van-hoa", "Phòng Văn hóa - Xã hội", "Phòng VH-XH"),
        of_commune("hanh-chinh-cong", "Trung tâm Phục vụ hành chính công"),
        of_commune("cong-an", "Công an xã", "", "Công an"),
        of_commune("quan-su", "Ban Chỉ huy Quân sự xã", "Ban CHQS xã", "Ban CHQS"),
        of_commune("mat-tran", "Ủy ban MTTQ Việt Nam xã", "UBMTTQ xã", "UBMTTQ"),
        of_commune("nong-dan", "Hội Nông dân xã", "", "Hội Nông dân"),
        of_commune("bcd", "Ban Chỉ đạo xã", "BCĐ xã", "BCĐ", "Ban Chỉ đạo"),
        of_province("bcd-tinh", "Ban Chỉ đạo tỉnh", "BCĐ tỉnh", "BCĐ", "Ban Chỉ đạo"),
        Body("thon", "Các thôn", "Các thôn", Level.COMMUNE, BodyKind.GROUP),
    ],
    [],
    Level.COMMUNE,
)

UNITS = [
    Unit("bac-son", "Bắc Sơn", Level.COMMUNE),
    Unit("vu-le", "Vũ Lễ", Level.COMMUNE),
    Unit("dong-kinh", "Đông Kinh", Level.COMMUNE, type="phường"),
    Unit("xa-tam-thanh", "Tam Thanh", Level.COMMUNE),
    Unit("phuong-tam-thanh", "Tam Thanh", Level.COMMUNE, type="phường"),
    Unit("bach-long", "Bạch Long", Level.COMMUNE, in_programme=False, type="đặc khu"),
]

PROVINCE = Register(
    [
        of_province("ubnd", "UBND tỉnh", "", "UBND", "Ủy ban nhân dân"),
        of_province("tai-chinh", "Sở Tài chính", "Sở TC"),
        of_province("nong-nghiep", "Sở Nông nghiệp và Môi trường", "Sở NN&MT"),
        of_province("khoa-hoc", "Sở Khoa học và Công nghệ", "Sở KH&CN"),
        of_province("van-hoa", "Sở Văn hóa, Thể thao và Du lịch"),
        of_province("cong-thuong", "Sở Công Thương"),
        of_province("cong-an", "Công an tỉnh", "", "Công an"),
        of_province("mat-tran", "Ủy ban MTTQ Việt Nam tỉnh", "UBMTTQ tỉnh", "UBMTTQ"),
        of_province("nong-dan", "Hội Nông dân tỉnh", "", "Hội Nông dân"),
        of_province("bao", "Báo và Phát thanh, Truyền hình tỉnh"),
        Body("so-nganh", "Các sở, ban, ngành", "Các sở", Level.PROVINCE, BodyKind.GROUP),
        *(
            body(
                f"ubnd-{unit.id}",
                f"UBND {unit.type} {unit.name}",
                "",
                "UBND",
                "Ủy ban nhân dân",
                level=Level.COMMUNE,
                unit=unit.id,
            )
            for unit in UNITS
        ),
        *(
            body(
                f"cong-an-{unit.id}",
                f"Công an {unit.type} {unit.name}",
                "",
                "Công an",
                level=Level.COMMUNE,
                unit=unit.id,
            )
            for unit in UNITS
        ),
    ],
    UNITS,
    Level.PROVINCE,
)

EVERY = [f"ubnd-{unit.id}" for unit in UNITS if unit.in_programme]


def read(register: Register, cell: str, level: Level | None = None) -> list[str]:
    named, lost = register.resolve(cell, level)
    assert not lost, lost
    return [one for name in named for one in name.bodies]


@pytest.mark.parametrize(
    ("cell", "bodies"),
    [
        ("Phòng Kinh tế, Phòng VH-XH, Văn phòng HĐND&UBND", ["kinh-te", "van-hoa", "vp"]),
        ("HĐND, UBND", ["hdnd", "ubnd"]),
        ("Đảng uỷ, HĐND, UBND, UBMTTQ xã", ["dang-uy", "hdnd", "ubnd", "mat-tran"]),
        ("Công an, Ban CHQS xã", ["cong-an", "quan-su"]),
        ("UBMTTQ xã, Hội Nông dân", ["mat-tran", "nong-dan"]),
        ("Phòng Văn hoá và Xã hội", ["van-hoa"]),
        ("Phòng VHXH xã", ["van-hoa"]),
        ("TT Phục vụ hành chính công; Trung tâm PVHCC", ["hanh-chinh-cong", "hanh-chinh-cong"]),
        ("UBND xã Bắc Sơn; Công an xã Bắc Sơn", ["ubnd", "cong-an"]),
        ("BCD tỉnh, BCD xã", ["bcd-tinh", "bcd"]),
        ("BCĐ", ["bcd"]),
        ("Phòng Kinh tế (chủ trì), các thôn", ["kinh-te", "thon"]),
        ("Phòng Kinhtế", ["kinh-te"]),
        ("Phong Van hoa - Xa hoi", ["van-hoa"]),
    ],
)
def test_a_cell_of_a_commune_plan_names_these_bodies(cell: str, bodies: list[str]) -> None:
    assert read(COMMUNE, cell) == bodies


@pytest.mark.parametrize(
    ("cell", "bodies"),
    [
        ("Sở NNMT, Sở KHCN", ["nong-nghiep", "khoa-hoc"]),
        ("Các Sở: Tài chính, Khoa học và Công nghệ", ["tai-chinh", "khoa-hoc"]),
        ("Sở VH,TT&DL; Sở Văn hoá, Thể thao & Du lịch", ["van-hoa", "van-hoa"]),
        ("SỞ TÀI CHÍNH\nSỞ CÔNG THƯƠNG", ["tai-chinh", "cong-thuong"]),
        ("Sở Công thươg, Sở Tài chín", ["cong-thuong", "tai-chinh"]),
        ("UBMTTQ tỉnh, Hội Nông dân", ["mat-tran", "nong-dan"]),
        ("Báo và Phát thanh, Truyền hình tỉnh", ["bao"]),
        ("UBND các xã, phường", EVERY),
        ("UBND các xã, phường, đặc khu", EVERY),
        ("Các sở, ban, ngành; UBND cấp xã", ["so-nganh", *EVERY]),
        ("UBND các xã: Bắc Sơn, Vũ Lễ", ["ubnd-bac-son", "ubnd-vu-le"]),
        ("UBND phường Đông Kinh, xã Vũ Lễ", ["ubnd-dong-kinh", "ubnd-vu-le"]),
        ("UBND đặc khu Bạch Long", ["ubnd-bach-long"]),
    ],
)
def test_a_cell_of_a_province_plan_names_these_bodies(cell: str, bodies: list[str]) -> None:
    assert read(PROVINCE, cell) == bodies


def test_a_column_of_communes_gives_its_level_to_a_bare_name() -> None:
    assert read(PROVINCE, "UBND") == ["ubnd"]
    assert read(PROVINCE, "UBND", Level.COMMUNE) == EVERY


def test_two_communes_of_one_name_are_told_apart_by_their_type() -> None:
    assert read(PROVINCE, "UBND xã Tam Thanh") == ["ubnd-xa-tam-thanh"]
    assert read(PROVINCE, "UBND phường Tam Thanh") == ["ubnd-phuong-tam-thanh"]
    assert PROVINCE.read_units("phường Tam Thanh") == (
        (("phường Tam Thanh", "phuong-tam-thanh"),),
        (),
    )


def test_a_name_of_two_communes_is_a_question() -> None:
    assert PROVINCE.read_units("Tam Thanh") == ((), ("Tam Thanh",))


@pytest.mark.parametrize(
    ("register", "cell", "nearest"),
    [
        (PROVINCE, "UBND phường Bắc Sơn", "UBND xã Bắc Sơn"),
        (PROVINCE, "Sở Y tế", None),
        (PROVINCE, "Sở TN", None),
        (COMMUNE, "Phòng Kinh tế, Hạ tầng và Đô thị", "Phòng Kinh tế"),
        (COMMUNE, "Chủ tịch UBND xã", "UBND xã"),
        (COMMUNE, "Phòng Nội vụ", None),
        (COMMUNE, "UBND huyện", "UBND xã"),
    ],
)
def test_what_no_body_is_called_is_one_question_with_the_nearest_names(
    register: Register, cell: str, nearest: str | None
) -> None:
    named, lost = register.resolve(cell)
    assert not named
    assert [one.printed for one in lost] == [cell]
    assert nearest is None or nearest in lost[0].nearest


def test_an_abbreviation_of_two_bodies_is_a_question_that_names_both() -> None:
    twins = Register(
        [of_province("khoa-hoc", "Sở Khoa học"), of_province("ke-hoach", "Sở Kế hoạch")],
        [],
        Level.PROVINCE,
    )
    named, lost = twins.resolve("Sở KH")
    assert not named
    assert lost[0].ambiguous == ("ke-hoach", "khoa-hoc")


def test_a_city_is_of_the_rank_that_the_plan_gives_it() -> None:
    names = ("UBND", "Ủy ban nhân dân")
    city = body("ubnd-tp", "UBND thành phố", "", *names, level=Level.DISTRICT)
    province = body("ubnd-tinh", "UBND tỉnh", "", *names, level=Level.PROVINCE)
    register = Register([city, province], [], Level.DISTRICT)
    assert read(register, "UBND thành phố; UBND TP; UBND tỉnh") == [
        "ubnd-tp",
        "ubnd-tp",
        "ubnd-tinh",
    ]


PARTS = ["UBND", "BCĐ", "Công an", "Sở Tài chính", "Sở Y tế", "Phòng Kinh tế", "Hội Nông dân"]
PARTS += ["các xã", "xã", "tỉnh", "phường", "Tam Thanh", "Bắc Sơn", "Các sở, ban, ngành", "Sở"]
SIGNS = [", ", "; ", " và ", "\n", " (", ") ", ":", " ", " "]
CELLS = st.lists(st.sampled_from(PARTS + SIGNS), max_size=10).map("".join)


@settings(max_examples=200, deadline=2000)
@given(st.sampled_from([COMMUNE, PROVINCE]), st.one_of(CELLS, st.text(max_size=60)))
def test_any_cell_is_answered_with_known_bodies_or_a_question(
    register: Register, cell: str
) -> None:
    named, lost = register.resolve(cell)
    for name in named:
        assert name.bodies
        assert set(name.bodies) <= set(register.bodies)
        assert len(set(name.bodies)) == len(name.bodies)
    assert all(one.printed for one in lost)
    assert named or lost or not split(cell).bodies
