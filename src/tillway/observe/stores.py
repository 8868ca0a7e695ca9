"""The state of every store: on time, late, stuck, silent, or never heard of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from tillway.clock import utc_text
from tillway.journal.queries import StoreSeen, Waiting
from tillway.observe.amounts import Money, money_of
from tillway.observe.moments import age_text, seconds_since
from tillway.observe.thresholds import Thresholds
from tillway.project.records import Store

State = Literal["ok", "late", "stuck", "silent", "unseen"]
ATTENTION: frozenset[str] = frozenset({"late", "stuck", "silent"})
_STUCK = ("dead", "in_doubt", "held")
_WORDS = {
    "dead": "could not be delivered to",
    "in_doubt": "in doubt at",
    "held": "held for",
    "pending": "on the way to",
}


class StoreLine(msgspec.Struct, frozen=True):
    """One store. unsent and money (absolute) cover every route; oldest_seconds is of the unsent.

    quarantined counts copies that wait for a person; last_seen_at is RFC 3339 in UTC or "".
    """

    store: str
    name: str
    system: str
    state: State
    reason: str
    accepted: int = 0
    unsent: int = 0
    oldest_seconds: int = 0
    money: Money = msgspec.field(default_factory=dict)
    quarantined: int = 0
    last_seen_at: str = ""
    silent_seconds: int = 0

    @property
    def needs_attention(self) -> bool:
        """Say whether a person should look."""
        return self.state in ATTENTION


def store_lines(
    seen: Iterable[StoreSeen],
    waiting: Iterable[Waiting],
    quarantined: Mapping[str, int],
    stores: Mapping[str, Store],
    targets: Mapping[str, str],
    *,
    now: int,
    thresholds: Thresholds,
) -> list[StoreLine]:
    """Return a line per store that the project lists or that ever sent, in order of its number.

    quarantined: store -> open copies. targets: route -> target.
    """
    heard: dict[str, StoreSeen] = {}
    for one in seen:
        last = heard.get(one.store)
        if one.store and (last is None or one.last_at > last.last_at):
            heard[one.store] = one
    unsent: defaultdict[str, list[Waiting]] = defaultdict(list)
    for cell in waiting:
        unsent[cell.store].append(cell)
    newest = max((one.last_at for one in heard.values()), default=0)
    chain_is_live = seconds_since(newest, now) < thresholds.silent_seconds
    names = sorted({*stores, *heard, *quarantined, *unsent} - {""})
    return [
        _line(
            name,
            stores.get(name),
            heard.get(name),
            unsent[name],
            quarantined.get(name, 0),
            targets,
            now=now,
            thresholds=thresholds,
            chain_is_live=chain_is_live,
        )
        for name in names
    ]


def _line(
    name: str,
    store: Store | None,
    heard: StoreSeen | None,
    unsent: list[Waiting],
    quarantined: int,
    targets: Mapping[str, str],
    *,
    now: int,
    thresholds: Thresholds,
    chain_is_live: bool,
) -> StoreLine:
    oldest = max((seconds_since(cell.oldest_at, now) for cell in unsent), default=0)
    silent = seconds_since(heard.last_at, now) if heard else 0
    state, reason = _judged(
        unsent,
        quarantined,
        targets,
        oldest=oldest,
        silent=silent if heard and chain_is_live else 0,
        heard=heard is not None,
        thresholds=thresholds,
    )
    system = heard.system if heard else ""
    return StoreLine(
        store=name,
        name=store.name if store else "",
        system=store.system if store else system,
        state=state,
        reason=reason,
        accepted=heard.accepted if heard else 0,
        unsent=sum(cell.count for cell in unsent),
        oldest_seconds=oldest,
        money=money_of((cell.currency, cell.amount_minor) for cell in unsent),
        quarantined=quarantined,
        last_seen_at=utc_text(heard.last_at) if heard else "",
        silent_seconds=silent,
    )


def _judged(
    unsent: list[Waiting],
    quarantined: int,
    targets: Mapping[str, str],
    *,
    oldest: int,
    silent: int,
    heard: bool,
    thresholds: Thresholds,
) -> tuple[State, str]:
    """Return the worst state that applies and the sentence for it."""
    stuck = [cell for cell in unsent if cell.state in _STUCK]
    if stuck:
        return "stuck", _told(stuck, targets)
    if quarantined:
        return "stuck", f"{quarantined} in quarantine"
    if unsent and oldest > thresholds.late_seconds:
        return "late", f"{_told(unsent, targets)}, oldest {age_text(oldest)}"
    if silent > thresholds.silent_seconds:
        return "silent", f"nothing heard for {age_text(silent)}"
    if not heard:
        return "unseen", "has sent nothing yet"
    return "ok", ""


def _told(cells: list[Waiting], targets: Mapping[str, str]) -> str:
    counts: defaultdict[tuple[str, str], int] = defaultdict(int)
    for cell in cells:
        counts[cell.state, targets.get(cell.route, cell.route)] += cell.count
    return ", ".join(
        f"{count} {_WORDS[state]} {target}" for (state, target), count in sorted(counts.items())
    )
