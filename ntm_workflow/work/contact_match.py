"""Who in a contacts file is whom: by address, by name and body; and whom its deputies mean."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from ntm_workflow.appendix.text import fold
from ntm_workflow.store.tables.people import MAIL
from ntm_workflow.work.contact_card import Card
from ntm_workflow.work.contact_lines import ContactLine
from ntm_workflow.work.contact_sheet import ContactFaults, LineFault

Key = tuple[str, str]  # channel, address


def matched(lines: Sequence[ContactLine], cards: Sequence[Card]) -> dict[int, Card]:
    """The known contact of each line: by an address, by name and body, or a place holder."""
    by_key = {(a.channel, a.value): card for card in cards for a in card.contact.addresses}
    found: dict[int, Card] = {}
    taken: set[int] = set()

    def take(at: int, card: Card) -> None:
        found[at] = card
        taken.add(card.contact.id)

    for at, line in enumerate(lines):
        known = next((by_key[key] for key in keys(line) if key in by_key), None)
        if known and known.contact.id not in taken and _is_meant(line, known):
            take(at, known)
    by_body = defaultdict(list)
    for card in cards:
        for body in card.roles:
            by_body[body].append(card)
    for at, line in enumerate(lines):
        near = [c for body in line.bodies for c in by_body[body]] if at not in found else []
        free = [card for card in near if card.contact.id not in taken]
        named = [card for card in free if fold(card.contact.name) == fold(line.name)]
        waiting = [card for card in free if not card.contact.addresses]
        if one := next(iter([*named, *waiting]), None):
            take(at, one)
    return found


def _is_meant(line: ContactLine, known: Card) -> bool:
    """A chat alone does not make another person of somebody with another mail address."""
    same = line.email in ("", known.by_channel.get(MAIL))
    return same or fold(known.contact.name) == fold(line.name)


def keys(line: ContactLine) -> list[Key]:
    """The addresses of a line."""
    found = [(MAIL, line.email)] if line.email else []
    return found + [(name[1:], v) for name, v in line.more.items() if name.startswith("@") and v]


class People:
    """Everybody after the import: whom a file may name as a deputy, and who has what address."""

    def __init__(
        self, lines: Sequence[ContactLine], cards: Sequence[Card], matched: Mapping[int, Card]
    ) -> None:
        self._lines = lines
        self._cards = {card.contact.id: card for card in cards}
        self._at = {card.contact.id: at for at, card in matched.items()}
        self._matched = matched
        self._refs: dict[str, set[str]] = defaultdict(set)
        for card in cards:
            self._learn(_who(card, self._at), card.contact.name, card.by_channel.get(MAIL, ""))
        for at, line in enumerate(lines):
            self._learn(f"line {at}", line.name, line.email)

    def _learn(self, who: str, name: str, email: str) -> None:
        for said in filter(None, (fold(name), email)):
            self._refs[said].add(who)

    def deputy(self, said: str) -> str | None:
        """Whom a deputy's cell means: "line 3" or "contact 7"; None if none or several."""
        found = self._refs.get(said.strip().lower()) or self._refs.get(fold(said)) or set()
        return next(iter(found)) if len(found) == 1 else None

    def same_deputy(self, at_card: Card, said: str) -> bool:
        """True where the cell means the deputy that the contact has."""
        known = self._cards.get(at_card.contact.deputy_id or 0)
        if not said or known is None:
            return not said and known is None
        return self.deputy(said) == _who(known, self._at)

    def check(self) -> None:
        """Raises ContactFaults."""
        faults = [*self._wrong_deputies(), *self._taken()]
        if faults:
            raise ContactFaults(tuple(sorted(faults, key=lambda one: one.line)))

    def _wrong_deputies(self) -> Iterable[LineFault]:
        for at, line in enumerate(self._lines):
            said = str(line.more.get("deputy") or "")
            if not said:
                continue
            meant = self.deputy(said)
            if meant is None:
                several = len(self._refs.get(fold(said), ())) > 1
                key = "contacts.deputy_several" if several else "contacts.deputy"
                yield LineFault(line.line, key, {"value": said})
            elif meant == f"line {at}":
                yield LineFault(line.line, "contacts.deputy_self", {"value": said})

    def _taken(self) -> Iterable[LineFault]:
        """Addresses that stay with a contact which the file leaves alone, or changes elsewhere."""
        kept: dict[Key, int] = {}
        for number, card in self._cards.items():
            line = self._lines[self._at[number]] if number in self._at else None
            for channel, value in card.by_channel.items():
                if line is None or not says(line, channel):
                    kept[channel, value] = number
        for at, line in enumerate(self._lines):
            mine = self._matched.get(at)
            for key in keys(line):
                if key in kept and (mine is None or kept[key] != mine.contact.id):
                    other = self._cards[kept[key]].contact.name
                    yield LineFault(line.line, "contacts.taken", {"value": key[1], "other": other})


def _who(card: Card, at: Mapping[int, int]) -> str:
    number = card.contact.id
    return f"line {at[number]}" if number in at else f"contact {number}"


def says(line: ContactLine, channel: str) -> bool:
    """True where the file has a column for a channel."""
    return channel == MAIL or f"@{channel}" in line.more
