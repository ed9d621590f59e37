"""Take in the evidence that lies in the drop folder."""

from __future__ import annotations

from prefect import flow

from ntm_workflow.serve import flow_run
from ntm_workflow.work import dropfolder


@flow(name="collect-evidence", retries=2, retry_delay_seconds=60)
def collect_evidence() -> int:
    """Hand in every complete document of the drop folder. Safe to repeat."""
    rt = flow_run.load()
    taken = dropfolder.collect(rt, actor=flow_run.actor("collect-evidence"))
    rows = [flow_run.line(document=t.folder, task=t.task, fault=t.fault) for t in taken]
    count = sum(1 for t in taken if not t.fault)
    flow_run.report("minh-chung-da-nhan", rows, count=count, day=rt.today())
    return count
