"""`ntm forecast`: who will get what and when, if nobody answers."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any

import click

from ntm_workflow import runtime
from ntm_workflow.chase import forecast as forecasts
from ntm_workflow.chase.forecast import RUNG_SIDES, Change, Difference, Forecast, Ordered, Rung
from ntm_workflow.commands import show
from ntm_workflow.errors import Refused
from ntm_workflow.reports import coming, wording
from ntm_workflow.texts import full_day, number, say

SHOWN = 15  # recipients


@click.command()
@click.option("--days", default=30, show_default=True, help="Số ngày kể từ hôm nay.")
@click.option("--with-rung", "rungs", multiple=True, metavar="before=NGÀY|after=NGÀY",
              help="Thử thêm một bậc nhắc: before=21, after=10. Lặp lại được.")  # fmt: skip
@click.option("--with-ordered-day", "ordered", multiple=True, metavar="NGÀY=off|worked",
              help="Thử một ngày nghỉ hay làm bù: 2020-06-30=off. Lặp lại được.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="In dạng JSON, đủ từng thông báo.")
def forecast(
    days: int, rungs: tuple[str, ...], ordered: tuple[str, ...], as_json: bool
) -> None:  # fmt: skip
    """Ai sẽ nhận gì, ngày nào, nếu không ai trả lời. Không ghi gì, không gửi gì."""
    change = Change(tuple(map(rung, rungs)), tuple(map(_order, ordered)))
    rt = runtime.load()
    found, different = forecasts.forecast(rt, days), None
    if change:
        different = forecasts.compare(found, forecasts.forecast(rt, days, change))
    if as_json:
        show.emit(_data(found, different))
        return
    _print(found)
    if different:
        _print_difference(different)


def rung(value: str) -> Rung:
    """ "before=21" as a rung. Raises Refused."""
    side, _, days = value.partition("=")
    if side not in RUNG_SIDES or not (days.isascii() and days.isdigit()) or len(days) > 4:
        raise Refused("forecast.rung", value=value)
    return Rung(side, int(days))


def _order(value: str) -> Ordered:
    day, _, what = value.partition("=")
    try:
        on = date.fromisoformat(day)
    except ValueError as error:
        raise Refused("forecast.order", value=value) from error
    if what not in ("off", "worked"):
        raise Refused("forecast.order", value=value)
    return Ordered(on, what == "off")


def _print(found: Forecast) -> None:
    span = {"first": found.first, "last": found.last}
    if not found.mails:
        click.echo(say("forecast.none", **span))
        return
    click.echo(say("forecast.lead", mails=len(found.mails), items=len(found.items), **span))
    for one in coming.by_day(found):
        kinds = ", ".join(
            f"{say(f'kind.{kind}')} {number(count)}" for kind, count in one.kinds.items()
        )
        click.echo(
            say("forecast.line", day=full_day(one.day), mails=len(one.mails), items=one.items,
                kinds=kinds)
        )  # fmt: skip
    told = coming.by_recipient(found)
    click.echo(say("forecast.recipients"))
    for each in told[:SHOWN]:
        click.echo(say("forecast.to", name=each.name, mails=each.mails, items=each.items))
    if len(told) > SHOWN:
        click.echo(say("forecast.more", count=len(told) - SHOWN))


def _print_difference(found: Difference) -> None:
    if not found.more and not found.less:
        click.echo(say("forecast.same"))
        return
    click.echo(say("forecast.changed", more=len(found.more), less=len(found.less)))
    for one in coming.moved(found.more, found.less):
        key = "forecast.moved_more" if one.count > 0 else "forecast.moved_less"
        said = wording.rung(one.rung)
        click.echo(say(key, day=full_day(one.day), count=abs(one.count), rung=said))


def _data(found: Forecast, different: Difference | None) -> dict[str, Any]:
    data: dict[str, Any] = {
        "first": found.first, "last": found.last,
        "notices": [asdict(mail) for mail in found.mails],
        "items": [asdict(item) for item in found.items],
    }  # fmt: skip
    if different:
        data["more"] = [asdict(item) for item in different.more]
        data["less"] = [asdict(item) for item in different.less]
    return data
