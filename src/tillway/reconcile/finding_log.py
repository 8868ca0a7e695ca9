"""The findings on record, day by day: what rules say is compared with it and what changed is kept.

Every part of the room that finds something reports it here, each for its own rules, so that one
part never closes what another one found.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

from tillway.journal.projection import Asking, Change
from tillway.reconcile.findings import Finding, compared, finding_from, finding_row
from tillway.reconcile.tables import read, write

FINDINGS_IN_MEMORY = 50_000
DAYS_IN_MEMORY = 5000
Known = dict[tuple[str, str], Finding]
Place = tuple[str, str]


class FindingLog:
    """Findings by store and business date; "" stands for what belongs to no shop or no day."""

    def __init__(self, journal: Asking) -> None:
        self._journal = journal
        self._days: OrderedDict[Place, Known] = OrderedDict()
        self._subjects: dict[Place, set[str]] = {}
        self._touched: set[Place] = set()

    def open(self) -> None:
        """Forget what was not committed."""
        self._days.clear()
        self._subjects.clear()
        self._touched.clear()

    def touched(self) -> set[Place]:
        """Return the days (store, business date) that findings about one subject changed since."""
        found, self._touched = self._touched, set()
        return found

    def judged(self, store: str, business_date: str) -> None:
        """Note that a day was judged with everything that is known of it by now."""
        self._touched.discard((store, business_date))

    def committed(self) -> None:
        """Let the days go that were asked for longest ago, when there are too many findings.

        Call it when everything that was reported is committed: it is read again when it is wanted.
        """
        held = sum(map(len, self._days.values()))
        while held > FINDINGS_IN_MEMORY or len(self._days) > DAYS_IN_MEMORY:
            oldest, known = self._days.popitem(last=False)
            del self._subjects[oldest]
            held -= len(known)

    @contextmanager
    def visit(self) -> Iterator[None]:
        """Let the days go in the end that were not in memory in the beginning; commit before."""
        before = set(self._days)
        yield
        for key in self._days.keys() - before:
            del self._days[key], self._subjects[key]

    async def known(self, store: str, business_date: str) -> Known:
        """Return what is on record for a day: (rule, subject) -> finding. Do not change it."""
        key = (store, business_date)
        found = self._days.get(key)
        if found is None:
            rows = await self._journal.ask(read("findings_of"), key)
            found = {(one.rule, one.subject): one for one in map(finding_from, rows)}
            self._days[key] = found
            self._subjects[key] = {subject for _, subject in found}
        else:
            self._days.move_to_end(key)
        return found

    async def subjects(self, store: str, business_date: str) -> Collection[str]:
        """Return what something is on record about, of a day; it is read once."""
        await self.known(store, business_date)
        return self._subjects[store, business_date]

    def subjects_at_hand(self, store: str, business_date: str) -> Collection[str] | None:
        """Return the same of a day that is in memory: this is asked with every message."""
        return self._subjects.get((store, business_date))

    async def report(
        self,
        store: str,
        business_date: str,
        rules: Collection[str],
        now: Iterable[Finding],
        at: int,
        change: Change,
        *,
        subject: str | None = None,
    ) -> list[Finding]:
        """Take what these rules say of a day now; return what changed, which joins the change.

        subject limits the report to one subject: nothing else of these rules is gone. Without one
        the report is of the day, and findings about single messages are none of its business.
        """
        known = await self.known(store, business_date)
        if subject is None:
            asked = {key: one for key, one in known.items() if key[0] in rules and not one.position}
        else:
            keys = ((rule, subject) for rule in rules)
            asked = {key: known[key] for key in keys if key in known}
        changed = compared(asked, now, at)
        if changed and subject is not None:
            self._touched.add((store, business_date))
        for one in changed:
            known[one.rule, one.subject] = one
            self._subjects[store, business_date].add(one.subject)
        change.run(write("finding"), *map(finding_row, changed))
        return changed

    async def decide(self, finding: Finding, change: Change) -> None:
        """Keep what a person decided about a finding."""
        known = await self.known(finding.store, finding.business_date)
        known[finding.rule, finding.subject] = finding
        self._subjects[finding.store, finding.business_date].add(finding.subject)
        change.run(write("finding"), finding_row(finding))
