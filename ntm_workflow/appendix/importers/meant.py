"""What a person said of names: new bodies and communes, and what printed names mean."""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import replace
from typing import Any

from ntm_workflow.appendix.bodies import Register
from ntm_workflow.appendix.importers.known import Known, build
from ntm_workflow.appendix.importers.pieces import Answer, Answers
from ntm_workflow.appendix.model import BodyKind, Level
from ntm_workflow.appendix.text import fold

OF_NAMES = ("body|", "unit|", "cell|", "head|issuer", "head|coordination_office")
_EACH = re.compile(r"\s*\b(của\s+)?(cấp|các)?\s*(xã|phường)\s*$", re.IGNORECASE)
_UNIT_TYPES = re.compile(r"^\s*(các\s+)?(xã|phường|thị trấn|đặc khu)\s+", re.IGNORECASE)
_PLACE = re.compile(r"(\b(?:tỉnh|thành phố|huyện|quận|thị xã|thị trấn|xã|phường|đặc khu)\s+)")
_LEVELS = (
    (Level.CENTRAL, r"\b(trung uong|chinh phu)\b|^bo "),
    (Level.PROVINCE, r"\btinh\b|^so "),
    (Level.DISTRICT, r"\b(huyen|thi xa)\b"),
    (Level.COMMUNE, r"\bxa\b(?! hoi)|\b(phuong|thi tran|to dan pho|khu pho)\b|(?<!nong )\bthon\b"),
)
_KINDS = (
    (BodyKind.GROUP, r"^(thanh vien|nhung|tat ca|toan the)\b|\b(cac|lien quan)\b"),
    (BodyKind.AUTHORITY, r"^(ubnd|uy ban nhan dan|hdnd|hoi dong nhan dan)\b"),
    (BodyKind.PARTY, r"^(dang uy|huyen uy|tinh uy|chi bo|ban to chuc|ban tuyen giao|ban dan van|"
                     r"van phong (dang|huyen|tinh) uy|uy ban kiem tra)|\bmttq\b|mat tran|"
                     r"\bdoan thanh nien|^hoi (nong dan|phu nu|lien hiep|cuu chien|lhpn|ccb)"),
    (BodyKind.COMMITTEE, r"^(bcd|bql|ban|to|hoi dong)\b"),
)  # fmt: skip


def with_answers(base: Known, said: Answers) -> Known:
    """A register with the bodies, communes and meanings that a person added to it."""
    if not any(key.startswith((*OF_NAMES, "units", "head|level")) for key in said):
        return base
    maker = _Maker(base, said)
    # A cell's own meaning goes before that of a name in it.
    for key in sorted(said, key=lambda one: one.startswith("cell|")):
        if key.startswith(OF_NAMES):
            maker.add(key.partition("|")[0], said[key])
    for name in str(said.get("units", {}).get("text", "")).split("\n"):
        maker.unit(name)
    tables = {name: entries for name, entries in maker.tables.items() if entries}
    return replace(base, register=build(tables, maker.level), tables=tables)


def level_of(printed: str, own: Level) -> Level:
    """The level that a printed name says, else the plan's own."""
    return next((level for level, words in _LEVELS if re.search(words, fold(printed))), own)


def kind_of(printed: str) -> BodyKind:
    """The kind that a printed name says; an office where it says nothing else."""
    said = fold(printed)
    return next((kind for kind, words in _KINDS if re.search(words, said)), BodyKind.OFFICE)


def in_words(printed: str) -> str:
    """ "ỦY BAN NHÂN DÂN XÃ MỸ ĐỨC" → "Ủy ban nhân dân xã Mỹ Đức"; mixed letters stay."""
    if not printed.isupper():
        return printed
    before, *rest = _PLACE.split(printed.lower(), maxsplit=1)
    said = before + (rest[0] + rest[1].title() if rest else "")
    return said[:1].upper() + said[1:]


def body_id(register: Register, answer: Answer) -> str:
    """The one body that an answer chose or added, "" where it is none or several."""
    said = str(answer.get("name" if answer.get("do") in ("new", "group") else "body", ""))
    if said in register.bodies:
        return said
    wanted = fold(said)
    same = [body.id for body in register.bodies.values() if fold(body.name) == wanted]
    if len(same) == 1:
        return same[0]
    named, lost = register.resolve(said)
    ids = {body for name in named for body in name.bodies}
    return ids.pop() if len(ids) == 1 and not lost else ""


def slug(name: str) -> str:
    """ "Phòng Nội vụ" → "phong-noi-vu": an id, of at most 48 characters."""
    words = re.sub(r"[^a-z0-9]+", "-", fold(name)).strip("-")
    return words[:48].strip("-") or "don-vi"


class _Maker:
    def __init__(self, base: Known, said: Answers) -> None:
        self.tables: dict[str, list[dict[str, Any]]] = deepcopy(base.tables)
        self.rules = base.criteria
        self.level = _plan_level(base, said)

    def add(self, sort: str, answer: Answer) -> None:
        """Take one answer over into the tables; `sort` is what its question is about."""
        printed, do = str(answer.get("printed", "")), answer.get("do")
        if do == "unit":
            self.unit(str(answer.get("name") or printed), printed)
        elif do in ("new", "group"):
            self._body("" if sort == "cell" else printed, answer)
            if sort == "cell":  # a cell without a name: the body is no alias of its comma
                self._name(printed, str(answer.get("name", "")))
        elif do in ("is", "skip") and sort != "head":
            self._name(printed, str(answer.get("body", "")) if do == "is" else "")

    def unit(self, name: str, printed: str = "") -> None:
        """Add a commune, and the People's Committee that answers for its criteria."""
        said = _UNIT_TYPES.match(name)
        bare = name[said.end() :].strip(" .,;") if said else name.strip(" .,;")
        if not bare or self._entry("unit", slug(bare)):
            return
        kind = said[2].lower() if said else "xã"
        self._table("unit").append(
            {"id": slug(bare), "name": bare, "level": "commune", "type": kind}
        )
        if printed and fold(_UNIT_TYPES.sub("", printed)) != fold(bare):
            self._name(printed, slug(bare))
        owner = str(self.rules.get("body", "ubnd-{unit}"))
        if not self._entry("body", owner):
            self._table("body").append(
                {"id": owner, "each": "commune", "name": "Ủy ban nhân dân {type} {Unit}",
                 "short": "UBND {type} {Unit}", "level": "commune", "kind": "authority",
                 "names": ["UBND", "Ủy ban nhân dân"]})  # fmt: skip

    def _body(self, printed: str, answer: Answer) -> None:
        name = str(answer.get("name") or printed).strip()
        kind = "group" if answer.get("do") == "group" else str(answer.get("kind") or "office")
        level = str(answer.get("level") or self.level)
        if answer.get("each"):
            self._each(_EACH.sub("", name), kind)
            return
        same = next((e for e in self._table("body") if fold(str(e["name"])) == fold(name)), None)
        if same is None:
            same = {"id": self._free(slug(name)), "name": name, "short": name,
                    "level": level, "kind": kind}  # fmt: skip
            if printed and len(printed) < len(name):
                same["short"] = printed
            self._table("body").append(same)
        spelled = {fold(str(same["name"])), fold(str(same.get("short", "")))}
        if printed and fold(printed) not in spelled | set(map(fold, same.get("aliases", ()))):
            same["aliases"] = [*same.get("aliases", ()), printed]

    def _each(self, name: str, kind: str) -> None:
        """A body of every commune: "BQL cấp xã"."""
        if self._entry("body", f"{slug(name)}-{{unit}}"):
            return
        full = f"{name} {{type}} {{Unit}}"
        self._table("body").append(
            {"id": f"{slug(name)}-{{unit}}", "each": "commune", "name": full, "short": full,
             "level": "commune", "kind": kind, "names": [name]})  # fmt: skip

    def _name(self, printed: str, means: str) -> None:
        names = self._table("name")
        names[:] = [one for one in names if fold(str(one["printed"])) != fold(printed)]
        names.append({"printed": printed, "read_as": means})

    def _table(self, name: str) -> list[dict[str, Any]]:
        return self.tables.setdefault(name, [])

    def _entry(self, table: str, wanted: str) -> bool:
        return any(entry["id"] == wanted for entry in self._table(table))

    def _free(self, wanted: str) -> str:
        at, given = 2, wanted
        while self._entry("body", given):
            at, given = at + 1, f"{wanted}-{at}"
        return given


def _plan_level(base: Known, said: Answers) -> Level:
    """The plan's level: as said, else that of a new issuer, else the register's."""
    new = said.get("head|issuer", {})
    own = base.register.level if base.register else Level.COMMUNE
    wanted = said.get("head|level", {}).get("text") or (
        new.get("level") if new.get("do") == "new" else "")  # fmt: skip
    return Level(wanted) if wanted in set(Level) else own
