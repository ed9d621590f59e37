"""`ntm up` and `ntm deployments`."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from ntm_workflow import settings as settings_module
from ntm_workflow import texts
from ntm_workflow.errors import ConfigError

DAY = click.DateTime(["%Y-%m-%d"])
PREFECT_FILE = Path("deployments/prefect.yaml")


def _say(key: str, /, **data: Any) -> None:
    click.echo(texts.say(key, **data))


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8080,
    show_default=True,
    help="Cổng của trang web.",
)
@click.option(
    "--prefect-port",
    type=click.IntRange(1, 65535),
    default=4200,
    show_default=True,
    help="Cổng của Prefect.",
)
@click.option(
    "--simulate",
    type=DAY,
    metavar="NGÀY",
    help="Mô phỏng từ ngày này (2020-06-22).",
)
@click.option("--no-browser", is_flag=True, help="Không mở trình duyệt.")
def up(port: int, prefect_port: int, simulate: datetime | None, no_browser: bool) -> None:
    """Chạy tất cả: Prefect, lịch, trang web. Dừng bằng Ctrl-C."""
    from ntm_workflow.serve import up as serving

    day: date | None = simulate.date() if simulate else None
    options = serving.Options(port, prefect_port, day, browser=not no_browser)
    serving.up(settings_module.load(), options, _say)


@click.group()
def deployments() -> None:
    """Lịch chạy trên máy chủ Prefect riêng."""


@deployments.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False), default=PREFECT_FILE)
def render(path: Path) -> None:
    """Ghi lịch của tệp phụ lục vào deployments/prefect.yaml.

    Lịch của một kế hoạch, để xem trước khi cài đặt; `apply` lấy mọi kế hoạch đang thực hiện.
    """
    from ntm_workflow.serve import deployments as made

    items = _of_file()
    path.write_text(made.as_yaml(items), "utf-8")
    _say("deployments.rendered", count=len(items), path=path)


@deployments.command()
def apply() -> None:
    """Đưa lịch của mọi kế hoạch đang thực hiện lên máy chủ Prefect (PREFECT_API_URL).

    Lịch mà không kế hoạch nào còn thì xóa; lịch do người tạm dừng vẫn tạm dừng.
    """
    import asyncio
    import os

    from ntm_workflow.serve import prefect_env

    prefect_env.quiet()
    if not os.environ.get("PREFECT_API_URL"):
        raise ConfigError("deployments.no_url")

    from prefect.settings import get_current_settings

    from ntm_workflow import runtime
    from ntm_workflow.serve import deployments as made
    from ntm_workflow.serve import schedules

    items = schedules.of(runtime.load(may_be_empty=True))
    url = get_current_settings().api.url or ""
    try:
        done = asyncio.run(made.apply_to_pool(items, datetime.now(texts.ZONE).date()))
    except made.NO_ANSWER as error:
        why = str(error).splitlines()[0]
        raise ConfigError("deployments.no_prefect", url=url, why=why) from error
    _say("deployments.applied", url=url, count=len(done.ids), deleted=len(done.deleted))


def _of_file() -> Any:
    """From the appendix alone: no database is needed to know its schedules."""
    from ntm_workflow.appendix import toml_file
    from ntm_workflow.calendar.workdays import WorkCalendar
    from ntm_workflow.serve import schedules

    plan = toml_file.load(settings_module.load().appendix)
    return schedules.planned(plan, WorkCalendar(plan.ordered_days))
