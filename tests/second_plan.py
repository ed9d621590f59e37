"""Small plans beside that of 2020: the same bodies, a number and rows of their own."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from ntm_workflow.appendix import toml_file
from ntm_workflow.appendix.model import Plan
from ntm_workflow.runtime import Runtime
from ntm_workflow.work import plans
from tests.scene import ROOT, SYSTEM

FIRST = "28-kh-ubnd-2020"
SECOND = "12-kh-ubnd-2021"
PAPER = ROOT / "config" / "appendix.toml"
ROW = """
[[section]]
id = "{section}"
title = "Mục {section}"

[[row]]
id = "{row}"
content = "{content}"
directing = "UBND huyện"
implementing = "{implementing}"
coordinating = "Phòng Nội vụ"
timing = "{timing}"
"""


def paper(
    *timings: str,
    number: int = 12,
    year: int = 2021,
    effective: date = date(2021, 1, 4),
    implementing: str = "BQL cấp xã",
    changes: tuple[tuple[str, str], ...] = (),
) -> bytes:
    """The text of a plan with one row "III.1", "IV.1", … for each timing."""
    head, _, _ = PAPER.read_text("utf-8").partition("[[section]]")
    for key, value in (
        ("id", f'"{number}-kh-ubnd-{year}"'), ("number", number), ("year", year),
        ("title", f'"Kế hoạch thử số {number}"'), ("issued_on", effective),
        ("effective_on", effective),
    ):  # fmt: skip
        head = re.sub(rf"^{key} = .*$", f"{key} = {value}", head, count=1, flags=re.M)
    rows = "".join(
        ROW.format(section=section, row=f"{section}.1", content=f"Việc của kế hoạch {number}",
                   implementing=implementing, timing=timing)
        for section, timing in zip(("III", "IV", "V"), timings, strict=False)
    )  # fmt: skip
    text = head + rows
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text.encode()


def put(rt: Runtime, text: bytes, day: date, document: str = "") -> Runtime:
    """Put a plan in force on a day; return the runtime that knows it."""
    made: Plan = toml_file.parse(text)
    with rt.sessions.begin() as session:
        plans.put_in_force(
            session, made, text, now=rt.moment(day), actor=SYSTEM, document=document
        )  # fmt: skip
    return rt.refreshed()


def end(rt: Runtime, plan_id: str, day: date, document: str = "15/TB-UBND") -> Runtime:
    with rt.sessions.begin() as session:
        plans.end(session, plan_id, document, now=rt.moment(day), today=day, actor=SYSTEM)
    return rt.refreshed()


def installation(folder: Path, text: bytes | None = None) -> dict[str, str]:
    """The environment of an installation of its own; the plan of 2020 unless `text` is given."""
    file = folder / "appendix.toml"
    file.write_bytes(text if text is not None else PAPER.read_bytes())
    return {
        "NTM_ROOT": str(ROOT), "NTM_VAR": str(folder / "var"), "NTM_APPENDIX": str(file),
    }  # fmt: skip
