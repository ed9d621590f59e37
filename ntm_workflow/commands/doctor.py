"""`ntm doctor`: whether the system runs, and what to do where it does not."""

from __future__ import annotations

import sys

import click

from ntm_workflow import runtime, texts
from ntm_workflow.commands import show
from ntm_workflow.reports import watch
from ntm_workflow.runtime import Runtime
from ntm_workflow.serve import ping
from ntm_workflow.settings import Settings
from ntm_workflow.store import clamd, grants
from ntm_workflow.store.tables import Channel
from ntm_workflow.store.tables.people import MAIL


@click.command()
@click.option("--json", "as_json", is_flag=True, help="In dạng JSON.")
def doctor(as_json: bool) -> None:
    """Hệ thống có đang chạy không: từng chỗ hỏng và việc phải làm. Có chỗ hỏng thì mã thoát là 1.

    Cơ sở dữ liệu, phụ lục hay tệp khóa không dùng được thì báo ngay lỗi đó.
    """
    rt = runtime.load(may_be_empty=True)
    _ = rt.keys  # a lost key file is said before anything else
    found = [*_settings(rt), *_neighbours(rt.settings), *_watched(rt)]
    if as_json:
        show.emit([{"key": key, "said": said, "todo": todo} for key, said, todo in found])
    elif not found:
        click.echo(texts.say("watch.well"))
    if not as_json:
        _advise(rt)
    for _key, said, todo in () if as_json else found:
        click.echo(texts.say("doctor.fault", said=said))
        click.echo(texts.say("doctor.todo", todo=todo))
    sys.exit(1 if found else 0)


def _watched(rt: Runtime) -> list[tuple[str, str, str]]:
    with rt.reader() as session:
        found = watch.faults(session, rt.in_force, rt.days, rt.now())
    return [(one.key, watch.said(one), watch.todo(one)) for one in found]


def _advise(rt: Runtime) -> None:
    """What runs, and could be safer."""
    with rt.engine.connect() as connection:
        if grants.may_rewrite(connection):
            click.echo(texts.say("grant.advice"))


def _settings(rt: Runtime) -> list[tuple[str, str, str]]:
    """What the settings leave out. A simulation brings its own mail server.

    Who sends no mail at all closes the channel "mail".
    """
    keys = []
    if not rt.in_force:
        keys.append("doctor.no_plan")
    with rt.reader() as session:
        mail = session.get_one(Channel, MAIL).state != "closed"
    if mail and not rt.settings.mail_url and not rt.simulated:
        keys.append("doctor.no_mail")
    if rt.settings.ping_url and not ping.usable(rt.settings.ping_url):
        keys.append("doctor.ping_url")
    return [(key, texts.say(key), texts.say(f"{key}.todo")) for key in keys]


def _neighbours(settings: Settings) -> list[tuple[str, str, str]]:
    """What evidence needs besides us and cannot be reached; each is asked for a few seconds."""
    away: dict[str, Exception] = {}
    if settings.evidence_url:
        from ntm_workflow.store import bucket_files  # only who has one pays for it

        try:
            bucket_files.reach(settings.evidence_url)
        except OSError as error:
            away["doctor.store_away"] = error
    if settings.clamd_url:
        try:
            clamd.Clamd(settings.clamd_url).ping()
        except clamd.Away as error:
            away[f"doctor.scanner_away.{settings.clamd_away}"] = error
    return [
        (key, texts.say(key, why=error), texts.say(f"{key}.todo")) for key, error in away.items()
    ]
