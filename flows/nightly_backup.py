"""Back up the database and the evidence, keep a rotation, forget what was kept long enough."""

from __future__ import annotations

from prefect import flow

from ntm_workflow.serve import flow_run
from ntm_workflow.store import backup
from ntm_workflow.work import backups, loose_files, privacy


@flow(name="nightly-backup", retries=2, retry_delay_seconds=300)
def nightly_backup() -> str:
    """Make tonight's backup, verify it, drop the oldest; then forget what the rules say.

    Does nothing in a simulation.
    """
    rt = flow_run.load()
    if rt.simulated:
        return ""
    made = backups.nightly(rt, actor=flow_run.actor("nightly-backup"))
    told = backup.about(made)
    flow_run.report("sao-luu", (), day=rt.today(), name=made.name, files=told.files, size=told.size)
    privacy.apply(rt, actor=flow_run.actor("nightly-backup"))
    loose_files.sweep(rt, rt.now, actor=flow_run.actor("nightly-backup"))
    return made.name
