"""The tables. State changes are stored; lateness is computed.

Due days are DATE (Asia/Ho_Chi_Minh); instants are aware and kept in UTC.
"""

from ntm_workflow.store.tables.accounts import (
    Account,
    AccountBody,
    LoginTry,
    Ticket,
    WebSession,
)
from ntm_workflow.store.tables.base import (
    Base,
    Instant,
)
from ntm_workflow.store.tables.bodies import (
    BodyEvent,
    BodyEventPart,
    BodyName,
    BodyRecord,
    Handover,
)
from ntm_workflow.store.tables.mails import (
    MailboxLook,
    ReceivedMail,
)
from ntm_workflow.store.tables.notices import (
    Channel,
    Inbound,
    Notice,
    NoticeAttempt,
    NoticeEvent,
    NoticeItem,
    ReminderRun,
)
from ntm_workflow.store.tables.people import (
    Address,
    Contact,
    ContactBody,
    LinkCode,
    PersonalLink,
)
from ntm_workflow.store.tables.plans import (
    ImportDraft,
    Learnt,
    OccurrenceRecord,
    OrderedDayRecord,
    PlanRecord,
    PlanVersion,
    RowRecord,
    RowRole,
)
from ntm_workflow.store.tables.tasks import (
    Draft,
    DueChange,
    EvidenceFile,
    Extension,
    Objection,
    SavedFilter,
    Submission,
    Suspension,
    SweptFile,
    Task,
    TaskTally,
)
from ntm_workflow.store.tables.trail import (
    AuditEntry,
    AuditHead,
    DailyRun,
    SignedHead,
    SimulatedClock,
)

__all__ = [
    "Account",
    "AccountBody",
    "Address",
    "AuditEntry",
    "AuditHead",
    "Base",
    "BodyEvent",
    "BodyEventPart",
    "BodyName",
    "BodyRecord",
    "Channel",
    "Contact",
    "ContactBody",
    "DailyRun",
    "Draft",
    "DueChange",
    "EvidenceFile",
    "Extension",
    "Handover",
    "ImportDraft",
    "Inbound",
    "Instant",
    "Learnt",
    "LinkCode",
    "LoginTry",
    "MailboxLook",
    "Notice",
    "NoticeAttempt",
    "NoticeEvent",
    "NoticeItem",
    "Objection",
    "OccurrenceRecord",
    "OrderedDayRecord",
    "PersonalLink",
    "PlanRecord",
    "PlanVersion",
    "ReceivedMail",
    "ReminderRun",
    "RowRecord",
    "RowRole",
    "SavedFilter",
    "SignedHead",
    "SimulatedClock",
    "Submission",
    "Suspension",
    "SweptFile",
    "Task",
    "TaskTally",
    "Ticket",
    "WebSession",
]
