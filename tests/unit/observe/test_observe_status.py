"""The status screen says who needs attention, and is quiet when all is well."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from msgspec.structs import replace

from tillway.clock import MICROSECONDS
from tillway.journal.base import Settlement, TargetState
from tillway.journal.memory import MemoryJournal
from tillway.observe import Thresholds, status, status_as_json
from tillway.observe.routes import FormerRoute
from tillway.project.records import HubSettings, Release, Store
from tillway.routing import Route
from tillway.testing.journal import ROUTE, SALE, candidate, invalid, row

SECOND_SALE_AT = 1_700_000_000_000_002
NOW = SECOND_SALE_AT + 5 * MICROSECONDS
LATER = SECOND_SALE_AT + 3 * 3600 * MICROSECONDS
STORES = {
    number: Store(number, name, "Europe/Berlin", "DE", "EUR", "quayside")
    for number, name in (("0145", "Harbour"), ("0146", "Market"))
}
RELEASE = Release(
    digest="r1",
    folder=Path(),
    hub=HubSettings("demo"),
    sources={},
    targets={},
    routes=MappingProxyType({ROUTE: Route(ROUTE, frozenset({SALE}), "erp")}),
    mappings={},
    contracts={},
    retries={},
    breakers={},
    stores=STORES,
)


async def _journal(*states: str) -> MemoryJournal:
    journal = MemoryJournal()
    await journal.append([candidate(number) for number in range(1, len(states) + 1)])
    await journal.register_route(ROUTE, 0)
    rows = [
        row(at, state, detail="refused", code="TW-4001")
        for at, state in enumerate(states, 1)
        if state != "pending"
    ]
    await journal.settle(Settlement(ROUTE, rows=rows, cursor=len(rows)))
    return journal


async def test_one_message_is_told_in_the_singular() -> None:
    """The headline counts as people speak."""
    found = await status(await _journal("delivered"), now=NOW, release=RELEASE)
    assert found.headline == "All is well: 1 message delivered, nothing waits."


async def test_a_delivered_day_is_quiet() -> None:
    """Nothing to look at when everything received was delivered."""
    found = await status(await _journal("delivered", "delivered"), now=NOW, release=RELEASE)
    assert found.quiet
    assert found.headline == "All is well: 2 messages delivered, nothing waits."
    line = found.routes[0]
    assert (line.due, line.delivered, line.waiting) == (2, 2, 0)
    (money,) = line.money
    assert money.settled
    assert (money.message_type, money.currency, str(money.amount_due)) == (SALE, "EUR", "25.00")
    assert [store.state for store in found.stores] == ["ok", "unseen"]


async def test_an_empty_hub_says_so() -> None:
    """Nothing received is a sentence, not an empty page."""
    found = await status(MemoryJournal(), now=NOW, release=RELEASE)
    assert found.headline == "Nothing was received yet."
    assert found.quiet


async def test_a_dead_message_makes_its_store_stuck() -> None:
    """A dead letter names its store, its target and its money."""
    found = await status(await _journal("delivered", "dead"), now=NOW, release=RELEASE)
    assert not found.quiet
    assert found.headline.startswith("1 of 2 stores needs attention")
    store = found.attention[0]
    assert (store.store, store.state, store.unsent) == ("0145", "stuck", 1)
    assert store.reason == "1 could not be delivered to erp"
    assert str(store.money["EUR"]) == "12.50"


async def test_fresh_traffic_is_not_late_and_old_traffic_is() -> None:
    """A message on its way for a second is normal; for hours it is late."""
    journal = await _journal("pending")
    assert (await status(journal, now=NOW, release=RELEASE)).quiet
    found = await status(journal, now=LATER, release=RELEASE)
    assert found.attention[0].reason == "1 on the way to erp, oldest 3 h 00 min"


async def test_what_a_route_does_not_carry_is_not_waiting() -> None:
    """A control record behind the cursor of a sales route is no unsent sale."""
    journal = await _journal("delivered")
    await journal.append([candidate(9, message_type="control.recorded", amount=None)])
    found = await status(journal, now=LATER, release=RELEASE)
    assert found.routes[0].pending == 0
    assert found.routes[0].filtered == 1


async def test_a_route_that_left_the_project_is_told_once() -> None:
    """What it never delivered is named; what came since is not its work, and nothing hides."""
    journal = await _journal("delivered", "delivered")
    await journal.register_route("old", 0)
    old = [replace(row(1), route="old"), replace(row(2, "dead"), route="old")]
    await journal.settle(Settlement("old", rows=old, cursor=2))
    await journal.append([candidate(3)])
    await journal.settle(Settlement(ROUTE, rows=[row(3)], cursor=3))
    found = await status(journal, now=LATER, release=RELEASE)
    assert [line.route for line in found.routes] == [ROUTE]
    assert found.former_routes == [FormerRoute("old", 1)]
    assert found.headline == "old is not in the project any more: 1 waiting."
    assert not found.quiet
    assert found.delivered == 3
    assert found.money_waiting == {}


async def test_a_route_that_left_with_nothing_open_is_not_told() -> None:
    """It has delivered what it had; the screen is quiet."""
    journal = await _journal("delivered")
    await journal.register_route("old", 0)
    await journal.settle(Settlement("old", rows=[replace(row(1), route="old")], cursor=1))
    await journal.append([candidate(2)])
    await journal.settle(Settlement(ROUTE, rows=[row(2)], cursor=2))
    found = await status(journal, now=NOW, release=RELEASE)
    assert found.former_routes == []
    assert found.headline == "All is well: 2 messages delivered, nothing waits."


async def test_a_silent_store_needs_attention_while_others_send() -> None:
    """A store that stopped is silent; when nobody sends any more, nobody is silent."""
    journal = await _journal("delivered")
    await journal.append([candidate(70, store="0146")])
    await journal.settle(Settlement(ROUTE, rows=[row(2)], cursor=2))
    journal.records[0].message.envelope = _earlier(journal.records[0].message.envelope, 600)
    found = await status(
        journal, now=NOW, release=RELEASE, thresholds=Thresholds(silent_seconds=300)
    )
    assert [store.state for store in found.stores] == ["silent", "ok"]
    all_quiet = await status(
        journal, now=LATER, release=RELEASE, thresholds=Thresholds(silent_seconds=300)
    )
    assert [store.state for store in all_quiet.stores] == ["ok", "ok"]


def _earlier(envelope, seconds):
    return type(envelope)(
        **{
            **{name: getattr(envelope, name) for name in envelope.__struct_fields__},
            "received_at": envelope.received_at - seconds * MICROSECONDS,
        }
    )


async def test_quarantine_marks_the_store() -> None:
    """A quarantined receipt needs a person, and its store shows it."""
    journal = await _journal("delivered")
    await journal.append([invalid(8)])
    found = await status(journal, now=NOW, release=RELEASE)
    assert found.quarantined == 1
    assert found.attention[0].reason == "1 in quarantine"


async def test_an_open_breaker_is_named_in_the_headline() -> None:
    """A target that does not answer is said first, before anything is late."""
    journal = await _journal("pending")
    await journal.save_target_state(TargetState("erp", "open", since=1, failures=5))
    found = await status(journal, now=NOW, release=RELEASE)
    assert "erp is not answering" in found.headline
    assert found.routes[0].breaker == "open"
    assert not found.quiet


async def test_the_screen_works_without_a_project() -> None:
    """A project that does not load must not hide what the journal knows."""
    found = await status(await _journal("dead"), now=NOW)
    assert found.attention[0].store == "0145"
    assert status_as_json(found)["attention"] == ["0145"]
