"""Hold the audit against all there is, sign how it ends today, and let the signature leave."""

from __future__ import annotations

from itertools import islice

from prefect import flow

from ntm_workflow.chase import head_mail
from ntm_workflow.errors import Refused
from ntm_workflow.serve import flow_run
from ntm_workflow.texts import say
from ntm_workflow.work import heads, proof

MOST = 20  # faults that are named


@flow(name="sign-audit", retries=2, retry_delay_seconds=60)
def sign_audit() -> int:
    """Sign the audit's last entry once a day and owe it to whoever keeps it. Safe to repeat.

    What does not hold is in the mail to the keeper and in the report, and fails the run.
    """
    rt = flow_run.load()
    today, now, actor = rt.today(), rt.now(), flow_run.actor("sign-audit")
    with rt.reader() as session:
        checked = proof.faults(session, rt.signer.trusted, rt.files, reread=False)
        found = [say(one.key, **one.data) for one in islice(checked, MOST)]
    with rt.sessions.begin() as session:
        head = heads.sign(session, rt.signer, today=today, now=now, actor=actor)
        if head is None:
            return 0
        to = rt.settings.head_to
        head_mail.queue(session, rt.in_force, to, head, now=now, actor=actor, found=found)
    rows = [flow_run.line(fault=one) for one in found]
    flow_run.report("dau-nhat-ky", rows, day=today, seq=head.seq)
    if found:
        raise Refused("proof.broken", first=found[0], count=len(found))
    return head.seq
