"""Sign how the audit ends today, and let the signature leave the house."""

from __future__ import annotations

from prefect import flow

from ntm_workflow.chase import head_mail
from ntm_workflow.serve import flow_run
from ntm_workflow.work import heads


@flow(name="sign-audit", retries=2, retry_delay_seconds=60)
def sign_audit() -> int:
    """Sign the audit's last entry once a day and owe it to whoever keeps it. Safe to repeat."""
    rt = flow_run.load()
    today, now, actor = rt.today(), rt.now(), flow_run.actor("sign-audit")
    with rt.sessions.begin() as session:
        head = heads.sign(session, rt.signer, today=today, now=now, actor=actor)
        if head is None:
            return 0
        to = rt.settings.head_to
        head_mail.queue(session, rt.in_force, to, head, now=now, actor=actor)
    flow_run.report("dau-nhat-ky", (), day=today, seq=head.seq)
    return head.seq
