"""A mail that came back: which message it was, and what follows."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from ntm_workflow.channels.mail_reading import Mail
from ntm_workflow.channels.mail_report import Report
from ntm_workflow.channels.mailbox import Place
from ntm_workflow.channels.result import Outcome, Result
from ntm_workflow.chase import answered, fallback
from ntm_workflow.chase.answered import Verdict
from ntm_workflow.store.keys import Keys
from ntm_workflow.store.tables import Notice
from ntm_workflow.texts import say
from ntm_workflow.work.audit import Action, Entry

_LEFT = ("sent", "delivered", "seen", "unknown")


def judge(session: Session, keys: Keys, place: Place, mail: Mail) -> Verdict:
    """Decide about a bounce or a warning of delay.

    Only what carries a seal of ours is believed: the address it came to, or the
    Reply-To of the mail that it brings back. Anybody could write the rest, and
    silence a commune with it. A report about somebody whom the message was not
    addressed to (one of several behind a shared address) is on the record, and
    a person decides.
    """
    report = mail.report
    known = (*mail.sent_to, *(report.reply_to if report else ()))
    notice = answered.by_seal(session, keys, [tag for tag in map(place.tag, known) if tag])
    if report is None:
        return Verdict("unmatched", notice, "unreadable")
    if notice is None:
        likely = answered.by_id(session, [report.message_id])
        return Verdict("unmatched", likely, "unproved")
    if mail.kind == "delay":
        said = say("mail.delayed", words=report.said)
        return Verdict("delay", notice, event="bounce", detail=said)
    if report.recipients and notice.address.lower() not in report.recipients:
        said = f"{report.said} ({report.recipients[-1]})"
        return Verdict("unmatched", notice, "other_recipient", event="bounce", detail=said)
    return Verdict("bounce", notice, event="bounce", detail=report.said, failed=True)


def follow(session: Session, notice: Notice, report: Report, now: datetime) -> list[Entry]:
    """Let a message fail that came back, mark the address where it is at fault, try the next.

    A message that has ended otherwise meanwhile, or is being sent again, stays:
    then the address alone is marked. Returns the audit entries.
    """
    outcome = Outcome.RECIPIENT if report.blames_address else Outcome.PAYLOAD
    if notice.state not in _LEFT:
        return fallback.marked(session, notice, report.said, now) if report.blames_address else []
    notice.state, notice.error = "failed", report.said
    notice.outcome, notice.code = str(outcome), report.status
    result = Result(outcome, report.said, code=report.status)
    data = {"contact": notice.contact_id, "code": report.status}
    failed = Entry(Action.NOTICE_FAILED, f"notice/{notice.id}", data)
    return [failed, *fallback.after(session, notice, result, now)]
