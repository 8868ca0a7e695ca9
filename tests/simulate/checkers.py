"""Every promise of the hub, checked from what was seen outside and what stands in the journal.

Nothing here calls the code under test: the journal is read by plain SQL, and lanes, amounts and
what a route carries are worked out from what the tills sold.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise

from simulate.plan import SALE
from simulate.record import Answered, Call, Record, RouteFacts, TargetBooks
from simulate.stored import Cells, Fate, Message, RouteStored, Stored

EXPECTED = {
    "other": ("conflict",),
    "bad": ("quarantined",),
    "garbage": ("refused",),
}
SOLD = ("accepted", "duplicate")
KEPT = ("conflict", "quarantined")


def check(record: Record, stored: Stored) -> list[str]:
    """Return every broken promise as a sentence."""
    wrong = [*_answers(record, stored), *_intake_books(stored), *unsettled(record, stored)]
    for name, facts in record.routes.items():
        route, books = stored.routes.get(name), record.targets[facts.target]
        if route is None:
            wrong.append(f"{name} is not in the journal")
            continue
        wrong += _route_books(name, facts, route, stored)
        wrong += _effects(facts, route, books, stored)
        wrong += _order(name, route, books, stored, record)
        if books.delivery_class == "D":
            wrong += _never_repeated(name, route, books, stored, record)
    wrong += _audited(record, stored)
    return wrong


def unsettled(record: Record, stored: Stored) -> list[str]:
    """Return what is open though nothing but time was needed, as sentences."""
    wrong: list[str] = []
    for name in record.routes:
        route = stored.routes.get(name)
        if route is not None:
            wrong += [f"{name}: {text}" for text in _open_work(name, route, record, stored)]
    return wrong


# --- intake -------------------------------------------------------------------------------------


def _answers(record: Record, stored: Stored) -> Iterator[str]:
    """What was answered is there, and was answered rightly."""
    accepted = Counter(one.key for one in record.answered if one.outcome == "accepted")
    for key, count in accepted.items():
        if count > 1:
            yield f"{key} was accepted {count} times"
    keys = Counter(message.key for message in stored.messages.values())
    for key, count in keys.items():
        if count > 1:
            yield f"{key} is stored {count} times"
    for one in record.answered:
        for text in _answer(one, stored):
            yield f"{one.document}, answered {one.outcome} at {one.at:.3f}, {text}"


def _answer(one: Answered, stored: Stored) -> Iterator[str]:
    """One answer was due, and what it says is there."""
    if one.outcome not in EXPECTED.get(one.document.split()[1], SOLD):
        yield "should have had another answer"
    message = stored.messages.get(one.position)
    if one.outcome in (*SOLD, "conflict") and (message is None or message.key != one.key):
        yield f"is not at position {one.position}: lost"
    elif one.outcome in SOLD and message and message.amount_minor != one.amount_minor:
        yield f"is stored with {message.amount_minor} instead of {one.amount_minor}"
    if one.outcome in KEPT and (one.outcome, one.key) not in stored.copies:
        yield "left no copy"


def _intake_books(stored: Stored) -> Iterator[str]:
    """The first equation of guarantees.md section 2, and the kept totals against the rows."""
    outcomes = stored.totals.get("outcome", {})
    received = stored.totals.get("received", {})
    summed: Cells = {}
    for (_, *kind), figures in outcomes.items():
        key = ("", *kind)
        before = summed.get(key, (0, 0, 0))  # type: ignore[arg-type]
        summed[key] = tuple(map(sum, zip(before, figures, strict=True)))  # type: ignore[assignment,index]
    if summed != received:
        yield f"received {received} is not the sum of the outcomes {summed}"
    counted = {key: figures for key, figures in outcomes.items() if key[0] != "refused"}
    if counted != stored.rows:
        yield f"the outcomes {counted} are not what stands in the rows, {stored.rows}"


# --- routes -------------------------------------------------------------------------------------


def _is_carried(facts: RouteFacts, message: Message) -> bool:
    return message.message_type == SALE and (message.amount_minor or 0) >= facts.least_minor


def _route_books(name: str, facts: RouteFacts, route: RouteStored, stored: Stored) -> Iterator[str]:
    """The second equation: every accepted message has one fate, and the filtered ones add up."""
    filtered: Cells = {}
    for position, message in stored.messages.items():
        has_row, carried = position in route.fates, _is_carried(facts, message)
        if position <= route.start or carried == has_row:
            pass
        elif has_row:
            yield f"{name}: {message.key} has a fate, but the route does not carry it"
        elif position <= route.cursor:
            yield f"{name}: {message.key} was passed over at {position}: lost"
        if route.start < position <= route.cursor and not has_row:
            key = ("filtered", message.message_type, message.currency)
            before = filtered.get(key, (0, 0, 0))
            amount = message.amount_minor or 0
            filtered[key] = (before[0] + 1, before[1] + amount, 0)
    for position in route.fates.keys() - stored.messages.keys():
        yield f"{name}: position {position} has a fate and no message"
    kept = stored.totals.get(f"filtered/{name}", {})
    if kept != filtered:
        yield f"{name}: filtered {filtered}, kept {kept}"


def _open_work(name: str, route: RouteStored, record: Record, stored: Stored) -> Iterator[str]:
    """What is open must be explained by something that only a person can end."""
    facts = record.routes[name]
    delivery_class = record.targets[facts.target].delivery_class
    held = {(one.route, one.position) for one in record.orders if one.verb == "hold"}
    stopped: dict[str, int] = {}
    for fate in sorted(route.fates.values(), key=lambda fate: fate.position):
        if (fate.reason == "holds_lane" and facts.dead_head_holds) or (
            fate.reason == "on_hold" and (name, fate.position) in held
        ):
            stopped.setdefault(fate.lane, fate.position)
    for position, message in stored.messages.items():
        fate = route.fates.get(position)
        if fate is None:
            if position > route.cursor:
                yield f"{message.key} is still pending"
        elif fate.state in ("sending", "held", "in_doubt"):
            if not _is_explained(fate, facts, delivery_class, stopped):
                yield f"{message.key} is still {fate.state} ({fate.reason})"
        elif fate.state == "dead" and not fate.code:
            yield f"{message.key} is dead without a cause"


def _is_explained(
    fate: Fate, facts: RouteFacts, delivery_class: str, stopped: dict[str, int]
) -> bool:
    """stopped: lane -> the first message in it that waits for a person.

    At class B a look-up begins a message's turn, and nothing has its turn before the head that a
    person must deal with (guarantees 3 and 4); what is before that head must be found out.
    """
    if fate.state == "in_doubt":
        behind = fate.position > stopped.get(fate.lane, fate.position)
        return delivery_class == "D" or (delivery_class == "B" and behind)
    if fate.state != "held":
        return False
    if fate.reason == "findings":
        return facts.needs_clean
    return fate.lane in stopped


def _effects(
    facts: RouteFacts, route: RouteStored, books: TargetBooks, stored: Stored
) -> Iterator[str]:
    """What is delivered has its effect, just one at class A to C; what has one is accounted for."""
    position_of = {message.message_id: at for at, message in stored.messages.items()}
    count = Counter(effect.message_id for effect in books.effects)
    keys = Counter(effect.key for effect in books.effects)
    if books.delivery_class != "D":
        yield from (f"{key} was booked {many} times" for key, many in keys.items() if many > 1)
        for message_id, many in count.items():
            if many > 1:
                yield f"message {message_id} was booked {many} times"
    for effect in books.effects:
        at = position_of.get(effect.message_id)
        if at is None:
            yield f"{effect.key} was booked, and the journal does not hold it"
        elif at not in route.fates or route.fates[at].state == "sending":
            yield f"{effect.key} was booked, and is open"
        elif route.fates[at].reason == "findings":
            yield f"{effect.key} was booked, though it waits for a person"
    for at, fate in route.fates.items():
        message = stored.messages.get(at)
        if message and fate.state == "delivered" and not count[message.message_id]:
            yield f"{facts.target}: {message.key} is delivered, and was never booked"


def _order(
    name: str, route: RouteStored, books: TargetBooks, stored: Stored, record: Record
) -> Iterator[str]:
    """In each lane the first effects follow the journal, among those that never left the line."""
    touched = {one.position for one in record.orders if one.route == name}
    position_of = {message.message_id: at for at, message in stored.messages.items()}
    last: dict[str, int] = defaultdict(int)
    seen: set[str] = set()
    for effect in books.effects:
        at = position_of.get(effect.message_id)
        fate = route.fates.get(at) if at is not None else None
        if at is None or fate is None or effect.message_id in seen:
            continue
        seen.add(effect.message_id)
        outcomes = stored.attempts.get((name, at), [])
        doubted = books.delivery_class == "D" and "in_doubt" in outcomes
        if fate.state != "delivered" or fate.replayed or at in touched or doubted:
            continue
        lane = stored.messages[at].lane
        if at < last[lane]:
            yield f"{name}: {effect.key} was booked after a later one of its lane"
        last[lane] = max(last[lane], at)


def _never_repeated(
    name: str, route: RouteStored, books: TargetBooks, stored: Stored, record: Record
) -> Iterator[str]:
    """At class D an unknown outcome is followed by a second call only when a person ordered it."""
    calls: defaultdict[str, list[Call]] = defaultdict(list)
    for call in books.calls:
        calls[call.message_id].append(call)
    for position, message in stored.messages.items():
        ordered = [o.at for o in record.orders if (o.route, o.position) == (name, position)]
        made = calls[message.message_id]
        for earlier, later in pairwise(made):
            asked = any(earlier.at <= at <= later.at for at in ordered)
            if earlier.told in ("unknown", "delivered") and not asked:
                yield f"{name}: {message.key} was sent again after an outcome {earlier.told}"
        fate = route.fates.get(position)
        unknown = bool(made) and made[-1].told == "unknown"
        if unknown and fate and fate.state != "in_doubt" and not ordered:
            yield f"{name}: {message.key} is {fate.state}, but nobody knows what became of it"


# --- people -------------------------------------------------------------------------------------


def _audited(record: Record, stored: Stored) -> Iterator[str]:
    """Every order that was confirmed is on record."""
    told = Counter((one.verb, f"{one.route}/{one.position}") for one in record.orders if one.done)
    found = Counter(stored.actions)
    for order, many in told.items():
        if found[order] < many:
            yield f"the order {order} is not on record"
