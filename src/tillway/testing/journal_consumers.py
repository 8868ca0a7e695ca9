"""The journal's specification for its consumers: windows, listeners, ledger rows, and restarts.

It stands on top of `AppendJournalSuite`; `QueryJournalSuite` builds on it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tillway.journal.base import (
    Action,
    AttemptRow,
    Receipt,
    Settlement,
    StoredMessage,
    TargetState,
)
from tillway.journal.chain import ORIGIN, AuditEntry, link
from tillway.testing.journal import ROUTE, candidate, cells, invalid, row
from tillway.testing.journal_appends import AppendJournalSuite


class ConsumerJournalSuite(AppendJournalSuite):
    """What a journal promises to those who read and deliver, appends included."""

    # --- reading ----------------------------------------------------------------------------

    async def test_windows_and_loads(self, journal: Any) -> None:
        """A window starts after a position; a load fetches the named ones in order."""
        await journal.append([candidate(n) for n in range(1, 11)])
        assert [m.position for m in await journal.read(4, 3)] == [5, 6, 7]
        assert [m.position for m in await journal.load([9, 2])] == [2, 9]
        assert await journal.last_position() == 10

    async def test_listeners_hear_what_was_accepted(self, journal: Any) -> None:
        """A caught-up consumer gets new messages without reading; duplicates are not news."""
        heard: list[StoredMessage] = []
        cancel = journal.subscribe(heard.extend)
        await journal.append([candidate(1), candidate(1), candidate(2)])
        cancel()
        await journal.append([candidate(3)])
        assert [m.position for m in heard] == [1, 2]
        assert heard[0].canonical == candidate(1).canonical

    # --- delivery ---------------------------------------------------------------------------

    async def test_a_route_keeps_its_place(self, journal: Any) -> None:
        """The start given first counts; cursor and rows beyond it are remembered."""
        await journal.append([candidate(n) for n in range(1, 6)])
        assert (await journal.register_route(ROUTE, 0)).position == 0
        await journal.settle(Settlement(ROUTE, [row(1), row(4)], cursor=1))
        progress = await journal.register_route(ROUTE, 99)
        assert (progress.position, progress.settled) == (1, {4})

    async def test_rows_replace_earlier_rows(self, journal: Any) -> None:
        """One message has one fate on a route: the newest."""
        await journal.append([candidate(1)])
        await journal.register_route(ROUTE, 0)
        await journal.settle(Settlement(ROUTE, [row(1, "held", reason="retry", next_at=9)]))
        assert [r.state for r in await journal.open_deliveries(ROUTE)] == ["held"]
        await journal.settle(Settlement(ROUTE, [row(1, target_reference="D-1", attempts=2)]))
        assert await journal.open_deliveries(ROUTE) == []
        [fate] = await journal.deliveries_of([1])
        assert (fate.state, fate.target_reference, fate.attempts) == ("delivered", "D-1", 2)
        assert [r.position for r in await journal.delivery_rows(ROUTE, [1, 2])] == [1]

    async def test_fates_of_several_messages_come_in_order(self, journal: Any) -> None:
        """By position, then by route; what no route touched has none."""
        await journal.append([candidate(n) for n in (1, 2, 3)])
        for route in (ROUTE, "another"):
            await journal.register_route(route, 0)
            rows = [
                msgspec.structs.replace(row(2), route=route),
                msgspec.structs.replace(row(1, "held"), route=route),
            ]
            await journal.settle(Settlement(route, rows))
        fates = await journal.deliveries_of([3, 2, 1, 99])
        assert [(one.position, one.route, one.state) for one in fates] == [
            (1, "another", "held"),
            (1, ROUTE, "held"),
            (2, "another", "delivered"),
            (2, ROUTE, "delivered"),
        ]

    async def test_a_dead_head_that_holds_its_lane_is_still_open(self, journal: Any) -> None:
        """After a restart the lane must wait behind it again; other dead letters are final."""
        await journal.append([candidate(n) for n in (1, 2, 3)])
        await journal.register_route(ROUTE, 0)
        rows = [row(1, "dead", reason="holds_lane"), row(2, "held"), row(3, "dead")]
        await journal.settle(Settlement(ROUTE, rows, cursor=3))
        found = await journal.open_deliveries(ROUTE)
        assert [(r.position, r.state) for r in found] == [(1, "dead"), (2, "held")]

    async def test_attempts_and_actions_are_kept_in_order(self, journal: Any) -> None:
        """What was tried, and who did what and why, can be read back."""
        await journal.append([candidate(1)])
        await journal.register_route(ROUTE, 0)
        tries = [AttemptRow(ROUTE, 1, n, 1, 2, "transient", "TW-4101", "503") for n in (1, 2)]
        action = Action(3, "ada", "retry", "1 message", "ERP is back")
        await journal.settle(Settlement(ROUTE, attempts=tries, actions=[action]))
        elsewhere = Action(4, "ada", "reprocess", "1 message", "row added")
        await journal.settle(Settlement("", actions=[elsewhere]))
        assert await journal.attempts_of(1) == tries
        assert await journal.actions(10) == [elsewhere, action]

    async def test_audited_actions_form_a_chain(self, journal: Any) -> None:
        """Each entry carries the link before it and its own content; the head is the last link."""
        assert await journal.audit_head() == (0, ORIGIN)
        actions = [Action(at, "ada", "retry", "1 message", "ERP is back") for at in (3, 4, 5)]
        await journal.settle(Settlement(ROUTE, actions=actions[:2]))
        await journal.settle(Settlement("", actions=actions[2:]))
        head, chain = ORIGIN, []
        for number, action in enumerate(actions, start=1):
            head = link(head, number, action)
            chain.append(AuditEntry(number, action, head))
        assert await journal.audit_entries(0, 10) == chain
        assert await journal.audit_entries(1, 1) == chain[1:2]
        assert await journal.audit_head() == (3, head)

    async def test_breaker_and_source_states_are_kept(self, journal: Any) -> None:
        """The newest state of a target, and what a source remembers until it forgets it."""
        state = TargetState("erp", "open", 5, failures=7, next_probe_at=9, code="TW-4101")
        await journal.save_target_state(TargetState("erp", "closed", 1))
        await journal.save_target_state(state)
        await journal.save_source_state("millrace", "cursor", "17")
        await journal.save_source_state("millrace", "gone", "x")
        await journal.save_source_state("millrace", "gone", "")
        assert await journal.target_states() == [state]
        assert await journal.source_state("millrace") == {"cursor": "17"}

    # --- restart ----------------------------------------------------------------------------

    async def test_everything_survives_a_restart(self, journal: Any) -> None:
        """Acknowledged means written: messages, keys, rows, cursor, totals, quarantine."""
        await journal.append([candidate(n) for n in range(1, 40)] + [invalid(77)])
        await journal.register_route(ROUTE, 0)
        await journal.settle(Settlement(ROUTE, [row(1), row(2, "held")], cursor=2))
        before = cells(await journal.outcome_totals())
        again = await self.reopen()
        assert cells(await again.outcome_totals()) == before
        assert (await again.register_route(ROUTE, 0)).position == 2
        receipts: list[Receipt] = await again.append([candidate(39), candidate(40), candidate(77)])
        assert [r.outcome for r in receipts] == ["duplicate", "accepted", "accepted"]
        assert [r.position for r in receipts] == [39, 40, 41]
        assert await again.invalid() == []
        assert (await again.read(38, 1))[0].canonical == candidate(39).canonical
