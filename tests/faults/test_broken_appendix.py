"""Ten kinds of damage to the appendix: each explained with its place, none touches the database."""

from __future__ import annotations

import hashlib
import subprocess
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import shell
from tests.scene import ROOT

PAPER = (ROOT / "config" / "appendix.toml").read_text("utf-8")


@dataclass(frozen=True)
class Damage:
    """How a file is broken, and what must be in the explanation."""

    make: Callable[[str], str | bytes]
    says: tuple[str, ...]
    at: str = ""  # text whose line must be named; "" where the fault has none


def put(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


IMPLEMENTING = 'implementing = "Phòng TC-KH và VPĐP huyện"'
DAMAGE = {
    "syntax": Damage(put('timing = "Quý I"', 'timing = "Quý I'), (), 'timing = "Quý I'),
    "unknown key": Damage(
        put('directing = "UBND, BCD huyện"\n' + IMPLEMENTING,
            'dirceting = "UBND, BCD huyện"\n' + IMPLEMENTING),
        ("dirceting", "directing", "II.2"), "dirceting",
    ),
    "unknown body": Damage(
        put(IMPLEMENTING, 'implementing = "Phòng TC-KK và VPĐP huyện"'),
        ("Phòng TC-KK", "Phòng TC-KH", "II.2", "implementing"), "Phòng TC-KK",
    ),
    "impossible timing": Damage(
        put('timing = "Tháng 6, 10"', 'timing = "Tháng 6, 13"'), ("Tháng 6, 13", "II.2", "timing"),
        "Tháng 6, 13",
    ),
    "doubled row id": Damage(put('id = "II.2"', 'id = "II.1"'), ("II.1",)),
    "NFD text": Damage(lambda text: unicodedata.normalize("NFD", text), ("NFD", "tidy")),
    "BOM": Damage(lambda text: b"\xef\xbb\xbf" + text.encode(), ("BOM", "tidy")),
    "CRLF": Damage(lambda text: text.replace("\n", "\r\n"), ("CRLF", "tidy")),
    "empty file": Damage(lambda text: "", ()),
    "two plans of one number": Damage(
        put('id = "28-kh-ubnd-2020"', 'id = "28-kh-ubnd-2020-ban-hai"'), ("28/KH-UBND",)
    ),
}  # fmt: skip


class Desk:
    """An installation with a database made from the sound appendix."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "appendix.toml"
        self.file.write_text(PAPER, "utf-8")
        opened = self.ntm("open", "--on", "2020-06-22")
        assert opened.returncode == 0, opened.stderr

    def ntm(self, *args: str) -> subprocess.CompletedProcess[str]:
        env = {"NTM_ROOT": str(ROOT), "NTM_VAR": str(self.folder), "NTM_APPENDIX": str(self.file)}
        return shell.ntm(*args, env=env, cwd=self.folder)

    def state(self) -> str:
        """Digest of everything in the database."""
        import sqlite3

        with sqlite3.connect(self.folder / "ntm.db") as connection:
            dump = "\n".join(connection.iterdump())
        connection.close()
        return hashlib.sha256(dump.encode()).hexdigest()

    def break_it(self, damage: Damage) -> None:
        made = damage.make(PAPER)
        self.file.write_bytes(made if isinstance(made, bytes) else made.encode())


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.mark.parametrize("name", DAMAGE)
def test_a_broken_appendix_changes_nothing_and_is_explained(desk: Desk, name: str) -> None:
    damage = DAMAGE[name]
    before = desk.state()
    desk.break_it(damage)
    done = desk.ntm("open", "--on", "2020-12-31")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert desk.state() == before
    for word in damage.says:
        assert word in done.stderr
    if damage.at:
        lines = desk.file.read_text("utf-8").split("\n")
        line = next(n for n, text in enumerate(lines, 1) if damage.at in text)
        assert f"dòng {line}" in done.stderr


@pytest.mark.parametrize("name", [name for name in DAMAGE if name != "two plans of one number"])
def test_plan_check_finds_the_same_without_a_database(desk: Desk, name: str) -> None:
    desk.break_it(DAMAGE[name])
    found = desk.ntm("plan", "check")
    assert found.returncode == 1
    assert all(word in found.stdout for word in DAMAGE[name].says)


def test_plan_check_finds_two_files_of_one_number(desk: Desk) -> None:
    sound = desk.folder / "sound.toml"
    sound.write_text(PAPER, "utf-8")
    desk.break_it(DAMAGE["two plans of one number"])
    found = desk.ntm("plan", "check", str(sound), str(desk.file))
    assert found.returncode == 1
    assert "28/KH-UBND" in found.stdout


@pytest.mark.parametrize("name", ["NFD text", "BOM", "CRLF"])
def test_plan_tidy_mends_it_to_the_very_bytes(desk: Desk, name: str) -> None:
    desk.break_it(DAMAGE[name])
    assert desk.ntm("plan", "tidy", str(desk.file)).returncode == 0
    assert desk.file.read_text("utf-8") == PAPER
    assert desk.ntm("plan", "check").returncode == 0


def test_several_kinds_of_damage_are_said_together(desk: Desk) -> None:
    text = PAPER
    for name in ("unknown key", "doubled row id"):
        made = DAMAGE[name].make(text)
        assert isinstance(made, str)
        text = made
    desk.file.write_text(text, "utf-8")
    said = desk.ntm("plan", "check").stdout
    assert "dirceting" in said
    assert "II.1" in said


def test_a_mended_appendix_goes_on_where_it_was(desk: Desk) -> None:
    desk.file.write_text(PAPER, "utf-8")
    before = desk.state()
    assert desk.ntm("open", "--on", "2020-06-22").returncode == 0
    assert desk.state() == before
