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
    rows = [flow_run.line(document=str(one)) for one in taken]
    flow_run.report("minh-chung-da-nhan", rows, count=len(taken), day=rt.today())
    return len(taken)
