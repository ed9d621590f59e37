"""What is known of a contact, as the cells of its line in a file: to export, compare and seal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from ntm_workflow.store.tables import Channel, Contact, ContactBody
from ntm_workflow.store.tables.people import MAIL
from ntm_workflow.work import contact_lines

ALSO = "+"


@dataclass(frozen=True)
class Card:
    """One contact with the bodies it speaks for, each with its role."""

    contact: Contact
    roles: Mapping[str, str]

    @property
    def by_channel(self) -> dict[str, str]:
        return {one.channel: one.value for one in self.contact.addresses}

    def cells(self, deputies: Mapping[int, str]) -> dict[str, str]:
        """Its line, by column. `deputies` says how each contact is referred to."""
        one, bodies = self.contact, sorted(self.roles)
        each = [self.roles[body] for body in bodies]
        quiet = (one.quiet_from, one.quiet_until) if one.quiet_from and one.quiet_until else None
        found = {
            "body": "|".join(bodies), "name": one.name,
            "role": "|".join(each) if len(set(each)) > 1 else "".join(each[:1]),
            "email": self.by_channel.get(MAIL, ""), "order": ", ".join(order(one)),
            "absent_from": contact_lines.cell(one.absent_from),
            "absent_until": contact_lines.cell(one.absent_until),
            "deputy": deputies.get(one.deputy_id or 0, ""), "quiet": contact_lines.cell(quiet),
            "digest_at": contact_lines.cell(one.digest_at),
        }  # fmt: skip
        others = {f"@{name}": value for name, value in self.by_channel.items() if name != MAIL}
        return found | others


def order(contact: Contact) -> tuple[str, ...]:
    """Its channels in the order they are tried, "+" after those that are told too."""
    first = sorted(contact.addresses, key=lambda one: (one.rank, one.id or 0))
    return tuple(one.channel + (ALSO if one.always else "") for one in first)


def load(session: Session, ids: Iterable[int] | None = None) -> list[Card]:
    """All contacts, or some, in the order of their numbers; three statements."""
    query = select(Contact).options(selectinload(Contact.addresses)).order_by(Contact.id)
    links = select(ContactBody)
    if ids is not None:
        wanted = list(ids)
        query, links = (query.where(Contact.id.in_(wanted)),
                        links.where(ContactBody.contact_id.in_(wanted)))  # fmt: skip
    roles: dict[int, dict[str, str]] = {}
    for link in session.scalars(links):
        roles.setdefault(link.contact_id, {})[link.body_id] = link.role
    found = session.scalars(query.execution_options(populate_existing=True))
    return [Card(one, roles.get(one.id, {})) for one in found]


def references(cards: Iterable[Card]) -> dict[int, str]:
    """How a file refers to each contact: by its mail address, else by its name."""
    return {one.contact.id: one.by_channel.get(MAIL) or one.contact.name for one in cards}


def channels(session: Session) -> list[str]:
    """The channels an address can be on, mail first."""
    found = session.scalars(select(Channel.name).where(Channel.state != "closed"))
    return sorted(found, key=lambda name: (name != MAIL, name))


def rows(session: Session, body_names: Mapping[str, str]) -> list[Sequence[str]]:
    """The contacts file: its head, then every contact in use."""
    cards, names = load(session), channels(session)
    deputies = references(cards)
    made: list[Sequence[str]] = [contact_lines.titles(names)]
    for card in cards:
        if card.contact.active:
            cells = card.cells(deputies)
            shown = [body_names.get(body, body) for body in sorted(card.roles)]
            made.append(contact_lines.written({**cells, "body_name": "|".join(shown)}, names))
    return made


def seal(card: Card) -> str:
    """Changes when anything a person edits does: what a form carries, to notice that."""
    one = card.contact
    works = [(a.channel, str(a.unusable_at or "")) for a in one.addresses]
    cells = card.cells({one.deputy_id or 0: str(one.deputy_id or "")})
    data = json.dumps([cells, one.active, works], sort_keys=True)
    return hashlib.sha256(data.encode()).hexdigest()[:16]
