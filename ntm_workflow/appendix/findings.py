"""What the paper contradicts or leaves open. Said, never repaired in silence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace

from ntm_workflow.appendix import findings_criteria, slips
from ntm_workflow.appendix.model import BodyKind, Finding, Level, Named, Plan, Quote, Row
from ntm_workflow.appendix.text import fold

_CELLS = ("content", "directing_text", "implementing_text", "coordinating_text")


def find(plan: Plan) -> tuple[Finding, ...]:
    """What the rows and lines show, and what an import found in the text (`plan.paper`).

    A slip that stands in both is one finding with all its places.
    """
    checks: tuple[Callable[[Plan], Iterator[Finding]], ...] = (
        _spelling,
        _forms,
        _open_groups,
        _above_the_issuer,
        _undirected,
        _undated,
        _other_years,
        _over_before_start,
        findings_criteria.find,
    )
    own = tuple(finding for check in checks for finding in check(plan))
    return _merged(own, plan.paper)


def _merged(own: tuple[Finding, ...], paper: tuple[Finding, ...]) -> tuple[Finding, ...]:
    more: dict[str, list[Finding]] = defaultdict(list)
    for one in paper:
        if one.code == "spelling":
            more[str(one.data["printed"]).casefold()].append(one)
    made: list[Finding] = []
    for one in own:
        key = str(one.data.get("printed", "")).casefold()
        same = more.pop(key, []) if one.code == "spelling" else []
        places = "; ".join(str(other.data["places"]) for other in (one, *same)) if same else ""
        quotes = (*one.quotes, *(quote for other in same for quote in other.quotes))
        made.append(replace(one, data={**one.data, "places": places}, quotes=quotes)
                    if same else one)  # fmt: skip
    taken = {id(one) for rest in more.values() for one in rest}
    kept = [one for one in paper if one.code != "spelling" or id(one) in taken]
    return (*made, *kept)


# -- words -------------------------------------------------------------------------


def _texts(plan: Plan) -> Iterator[tuple[str, Quote]]:
    """Every text of the tables with where it stands: an id, and the place for a person."""
    for section in plan.sections:
        yield section.id, Quote(f"mục {section.id}", section.title)
    for row in plan.rows:
        for key in _CELLS:
            yield row.id, Quote(f"dòng {row.id}", getattr(row, key))
    yield "criteria", Quote("biểu tiêu chí", plan.criteria_title)
    for row in plan.criteria:
        for key in ("content", "directing_text", "implementing_text"):
            yield row.id, Quote(f"dòng {row.id}", getattr(row, key))


def _spelling(plan: Plan) -> Iterator[Finding]:
    found: dict[str, tuple[slips.Slip, dict[str, None], list[Quote]]] = {}
    for where, quote in _texts(plan):
        for slip in slips.find(quote.text):
            _, places, quotes = found.setdefault(slip.key, (slip, {}, []))
            places[where] = None
            quotes.append(Quote(quote.place, " ".join(quote.text.split())))
    for slip, places, quotes in found.values():
        first = next(iter(places))
        yield Finding(
            "spelling", first,
            {"printed": slip.printed, "meant": slip.meant, "places": "; ".join(places)},
            tuple(dict.fromkeys(quotes)),
        )  # fmt: skip


def _forms(plan: Plan) -> Iterator[Finding]:
    """Offices printed both in full and abbreviated, or half so."""
    printed: dict[str, dict[str, tuple[str, Quote]]] = defaultdict(dict)
    for row in plan.all_rows:
        for name in (*row.directing_named, *row.implementing_named, *row.coordinating_named):
            if len(name.bodies) == 1 and plan.body(name.bodies[0]).kind in (
                BodyKind.OFFICE, BodyKind.PARTY,
            ):  # fmt: skip
                quote = Quote(f"dòng {row.id}", " ".join(name.printed.split()))
                printed[name.bodies[0]].setdefault(_bare(name.printed), (row.id, quote))
    for body, forms in printed.items():
        if len(forms) > 1:
            said = " / ".join(quote.text for _, quote in forms.values())
            yield Finding(
                "name.forms", next(iter(forms.values()))[0],
                {"name": plan.body(body).name, "forms": said},
                tuple(quote for _, quote in forms.values()),
            )  # fmt: skip


def _bare(printed: str) -> str:
    """A name without its level, spaces and signs: what is left is how it is written."""
    words = [word for word in fold(printed).split() if word not in ("huyen", "tinh", "xa", "cap")]
    return "".join(c for c in "".join(words) if c.isalnum())


# -- bodies --------------------------------------------------------------------------


def _cell(row: Row, body: str = "") -> Quote:
    """The name in the implementing cell that stands for a body, else the cell."""
    named = next((n for n in row.implementing_named if body in n.bodies), None)
    return Quote(f"dòng {row.id}", named.printed if named else row.implementing_text)


def _open_groups(plan: Plan) -> Iterator[Finding]:
    for body in plan.bodies:
        rows = [row for row in plan.all_rows if body.id in row.implementing]
        if body.open_group and rows:
            data: dict[str, object] = {
                "name": body.name, "id": body.id, "rows": ", ".join(row.id for row in rows),
            }  # fmt: skip
            quotes = tuple(_cell(row, body.id) for row in rows)
            yield Finding("group.open", rows[0].id, data, quotes)


def _above_the_issuer(plan: Plan) -> Iterator[Finding]:
    """Work for a body of a higher level than the plan's: nobody gives orders upwards."""
    levels = list(Level)
    for row in plan.rows:
        for name in row.implementing_named:
            if above := _highest(plan, name, levels):
                issuer = plan.body(plan.issuer)
                data: dict[str, object] = {
                    "printed": name.printed, "name": plan.body(above).name, "issuer": issuer.name,
                }  # fmt: skip
                yield Finding("role.above", row.id, data, (_cell(row, above),))


def _highest(plan: Plan, name: Named, levels: list[Level]) -> str:
    own = levels.index(plan.level)
    return next((b for b in name.bodies if levels.index(plan.body(b).level) < own), "")


def _undirected(plan: Plan) -> Iterator[Finding]:
    """Rows without a lead body, where most rows have one."""
    without = [row for row in plan.rows if not row.directing_text]
    if 2 * len(without) < len(plan.rows):
        for row in without:
            yield Finding("row.no_directing", row.id, {}, (Quote(f"dòng {row.id}", row.content),))


# -- timings -------------------------------------------------------------------------


def _timing(row: Row) -> tuple[Quote, ...]:
    return (Quote(f"dòng {row.id}", row.timing_text),)


def _undated(plan: Plan) -> Iterator[Finding]:
    for row in plan.all_rows:
        if row.reading.question:
            data: dict[str, object] = {
                "timing": row.timing_text, "question": row.reading.question.ask,
            }  # fmt: skip
            yield Finding("timing.question", row.id, data, _timing(row))


def _other_years(plan: Plan) -> Iterator[Finding]:
    for row in plan.all_rows:
        for year in row.reading.other_years:
            data: dict[str, object] = {"timing": row.timing_text, "year": year, "plan": plan.year}
            yield Finding("timing.other_year", row.id, data, _timing(row))


def _over_before_start(plan: Plan) -> Iterator[Finding]:
    for row in plan.all_rows:
        for window in row.reading.windows:
            if window.due_on < plan.effective_on:
                data: dict[str, object] = {
                    "timing": row.timing_text, "due": window.due_on, "start": plan.effective_on,
                }  # fmt: skip
                yield Finding("timing.over", row.id, data, _timing(row))
