"""How findings, open items, store-days and the matrix are drawn on the command line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from rich.console import Console

from tillway.cli.output import money_text, table
from tillway.clock import SystemClock, utc_text
from tillway.observe.moments import age_text, seconds_since
from tillway.reconcile import (
    LEGEND,
    Amount,
    DayInFull,
    Finding,
    Matrix,
    OpenItem,
    StoreDay,
    by_rule,
    in_runs,
    symbol_of,
)
from tillway.reconcile.store_day import MEANINGS

SHOWN = 200
NARROW = "narrow them with --store, --from, --to"


def draw_groups(console: Console, found: Sequence[Finding]) -> None:
    """Print findings by rule: how many, in how many shops, their money, the oldest."""
    shops = len({one.store for one in found if one.store})
    told = f"{len(found):,} finding{'' if len(found) == 1 else 's'} in {shops} store"
    console.print(f"{told}{'' if shops == 1 else 's'}, what blocks a day first", style="bold")
    drawn = table("rule", "code", "severity", "count", "stores", "money", "oldest",
                  "owner", "it is", right=("count", "stores", "money"))  # fmt: skip
    now = SystemClock().now()
    for one in by_rule(found):
        drawn.add_row(
            *(one.rule, one.code, one.severity, f"{one.count:,}", f"{one.stores:,}"),
            *(money_text(one.money), age_text(seconds_since(one.oldest, now))),
            *(", ".join(one.owners), one.finds),
        )
    console.print(drawn)


def draw_findings(console: Console, found: Sequence[Finding]) -> None:
    """Print findings one by one, numbers missing in a row as one, differences with currency."""
    drawn = table("store", "date", "rule", "what", "expected", "found", "difference", "age",
                  "owner", right=("expected", "found", "difference"))  # fmt: skip
    now = SystemClock().now()
    runs = in_runs(found)
    for one in (run.finding for run in runs[:SHOWN]):
        difference = f"{one.difference} {one.currency}".strip() if one.difference else ""
        state = "" if one.state == "open" else f" ({one.state})"
        drawn.add_row(
            *(one.store or "-", one.business_date or "-", one.rule + state, one.subject),
            *(one.expected, one.found, difference),
            *(age_text(seconds_since(one.first_seen, now)), one.owner),
        )
    console.print(drawn)
    _and_more(console, len(runs), f"{NARROW} or --rule")


def draw_items(console: Console, found: Sequence[OpenItem]) -> None:
    """Print what waits for its counterpart: in all, then one by one."""
    if not found:
        console.print("Nothing waits: every card tender, payout and deposit has its counterpart.")
        return
    console.print(f"{len(found):,} open items, oldest first", style="bold")
    numbers = ("count", "amount", "overdue", "oldest")
    drawn = table("kind", "waits for", *numbers, right=numbers)
    groups: dict[tuple[str, str, str], list[OpenItem]] = {}
    for one in found:
        groups.setdefault((one.kind, one.waits_for, one.currency), []).append(one)
    for (kind, waits_for, currency), items in sorted(groups.items()):
        late = [one for one in items if one.overdue]
        amounts = (_sum(items, currency), _sum(late, currency) if late else "-")
        oldest = max(one.days for one in items)
        drawn.add_row(kind, waits_for, f"{len(items):,}", *amounts, _days(oldest))
    console.print(drawn)
    rows = table("kind", "store", "date", "reference", "amount", "waits for", "due", "age",
                 right=("amount", "age"))  # fmt: skip
    for one in found[:SHOWN]:
        rows.add_row(
            *(one.kind, one.store or "-", one.business_date or "-", one.reference),
            *(money_text({one.currency: one.amount}), one.waits_for),
            *(f"{one.due} !" if one.overdue else one.due, _days(one.days)),
        )
    console.print(rows)
    _and_more(console, len(found), f"{NARROW} or --kind")


def draw_days(console: Console, days: Sequence[StoreDay]) -> None:
    """Print store-days, one on each line."""
    counts = Counter(day.state for day in days)
    told = ", ".join(f"{state} {counts[state]:,}" for state in MEANINGS if counts[state])
    console.print(f"{len(days):,} store-days: {told or 'none'}", style="bold")
    if not days:
        console.print(
            "A day is there from its morning for every shop of stores.csv, and from the first "
            "message that bears its date. Without --from, --to, --store and --state all are shown."
        )
        return
    numbers = ("rev", "messages", "money", "missing", "findings", "off by")
    drawn = table("", "store", "date", "state", *numbers, right=numbers)
    for day in days[:SHOWN]:
        drawn.add_row(
            *(symbol_of(day), day.store, day.business_date, day.state, str(day.revision)),
            *(f"{day.messages:,}", money_text(day.money), str(day.gaps), str(day.findings)),
            money_text(day.difference) if day.difference else "",
        )
    console.print(drawn)
    _and_more(console, len(days), f"{NARROW} or --state")


def draw_matrix(console: Console, found: Matrix) -> None:
    """Print shops by days, a sign in each place, and what the signs mean."""
    if not found.rows:
        draw_days(console, ())
        return
    told = ", ".join(
        f"{state} {found.states[state]:,}" for state in MEANINGS if found.states.get(state)
    )
    console.print(f"{len(found.rows):,} stores, {len(found.dates)} days: {told}", style="bold")
    dates = [date[5:] for date in found.dates]
    drawn = table("store", *dates, "at risk", right=("at risk",))
    for row in found.rows[:SHOWN]:
        signs = (row.cells[day].sign if day in row.cells else "" for day in found.dates)
        drawn.add_row(row.store, *signs, money_text(row.at_risk))
    console.print(drawn)
    _and_more(console, len(found.rows), NARROW)
    console.print("  ".join(f"{sign} {word}" for sign, word in LEGEND.items()))
    console.print("at risk: the sales of days that are exceptions or reopened")


def draw_day(console: Console, found: DayInFull) -> None:
    """Print one store-day: figures, registers, findings, the other systems, postings, life."""
    day = found.day
    console.print(
        f"{day.store} {day.business_date}: {day.state}, revision {day.revision}", style="bold"
    )
    console.print(MEANINGS[day.state])
    if found.measures:
        _draw_figures(console, found)
    if found.workstations:
        _draw_registers(console, found)
    shown = [one for one in found.findings if one.state != "gone"]
    if shown:
        draw_findings(console, shown)
    _draw_other_systems(console, found)
    life = table("when (UTC)", "state", "rev", "who", "why")
    for move in found.moves:
        life.add_row(utc_text(move.at), move.state, str(move.revision), move.who, move.why)
    console.print(life)


def _draw_figures(console: Console, found: DayInFull) -> None:
    numbers = ("declared", "received", "in the ERP", "difference")
    drawn = table("figure", "currency", *numbers, right=numbers)
    for one in found.measures:
        booked = found.in_erp.get(one.currency, "") if one.name == "grand" else ""
        apart = one.difference if one.difference and Decimal(one.difference) else ""
        amounts: tuple[str, ...] = (one.declared or "", one.received, booked, apart)
        if one.name != "receipts":
            amounts = tuple(amount_text(text, one.currency) for text in amounts)
        drawn.add_row(one.name, one.currency, *amounts)
    console.print(drawn)


def _draw_registers(console: Console, found: DayInFull) -> None:
    drawn = table("register", "numbers", "messages", "declared", right=("messages",))
    for name, register in found.workstations.items():
        runs = ", ".join(
            f"{first}-{last} ({count})" for first, last, count in register["numbers"].values()
        )
        drawn.add_row(name, runs, str(register["messages"]), _declared(register["declared"]))
    console.print(drawn)


def _draw_other_systems(console: Console, found: DayInFull) -> None:
    if found.on_its_way:
        numbers = ("amount", "found there", "still waits", "overdue")
        drawn = table("money", "at", *numbers, right=numbers)
        for one in found.on_its_way:
            amounts = (one.amount, one.found, one.waiting, one.overdue)
            shown = (f"{amount_text(text, one.currency)} {one.currency}" for text in amounts)
            drawn.add_row(f"{one.kind} ({one.count})", one.party, *shown)
        console.print(drawn)
    if found.postings:
        drawn = table("posting", "amount", "state", "document", right=("amount",))
        for posting in found.postings:
            amount = f"{posting.amount} {posting.currency}"
            state = ": ".join(filter(None, (posting.state, posting.trouble)))
            drawn.add_row(posting.posting_key, amount, state, posting.document_number)
        console.print(drawn)


def _declared(declared: list[int | None] | None) -> str:
    if declared is None:
        return ""
    first, last, count = declared
    return f"{first}-{last} ({count})"


def amount_text(text: str, currency: str) -> str:
    """Return an amount in the digits of its currency, "" for none."""
    return str(Amount(Decimal(text), currency)) if text else ""


def _sum(items: Iterable[OpenItem], currency: str) -> str:
    return money_text({currency: sum((Decimal(one.amount) for one in items), Decimal(0))})


def _days(days: int) -> str:
    return "-" if days < 0 else f"{days} d"


def _and_more(console: Console, count: int, advice: str) -> None:
    if count > SHOWN:
        console.print(f"and {count - SHOWN:,} more; {advice}")
