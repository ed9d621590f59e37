"""Take in what came from outside: the evidence in the drop folder, the mails in the mailbox."""

from __future__ import annotations

from prefect import flow

from ntm_workflow.chase import incoming
from ntm_workflow.runtime import Runtime
from ntm_workflow.serve import flow_run
from ntm_workflow.work import dropfolder, scanning


@flow(name="collect-evidence", retries=2, retry_delay_seconds=60)
def collect_evidence() -> int:
    """Hand in every complete document of the drop folder, read the mailbox. Safe to repeat."""
    rt = flow_run.load()
    actor = flow_run.actor("collect-evidence")
    taken = dropfolder.collect(rt, actor=actor)
    rows = [flow_run.line(document=t.folder, task=t.task, fault=t.fault) for t in taken]
    count = sum(1 for t in taken if not t.fault)
    flow_run.report("minh-chung-da-nhan", rows, count=count, day=rt.today())
    scanning.catch_up(rt, actor=actor)
    _read_mailbox(rt)
    return count


def _read_mailbox(rt: Runtime) -> None:
    actor = flow_run.actor("collect-evidence")
    done = incoming.check(rt, actor=actor)
    if rt.settings.mailbox_url:
        key = "hop-thu-hong" if done.trouble else "hop-thu"
        flow_run.report(key, (), fetched=done.fetched, person=done.for_a_person, day=rt.today())
