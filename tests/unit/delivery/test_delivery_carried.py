"""What a route carries and makes: filters, findings, ordering keys and the mapping of a target."""

from tillway.errors import ContractViolation, Violation
from tillway.routing import Route
from tillway.testing.delivery import ROUTE, SALE, Bench


async def test_what_the_route_does_not_carry_is_filtered_and_counted():
    """Other message types and filtered bodies have no row; the totals say how many, how much."""
    route = Route(ROUTE, frozenset({SALE}), "erp", filter=lambda body: body["number"] % 2 == 1)
    bench = Bench(route=route)
    await bench.accept("1:1", "1:1", "1:1", "1:1")
    await bench.accept("1:1", message_type="cash.moved")
    await bench.start()
    assert await bench.books() == {"delivered": 2, "filtered": 3}


async def test_filtered_totals_are_kept_only_when_the_cursor_passes():
    """A held-up message in front of filtered ones must not make a restart count them twice."""
    bench = Bench()
    bench.target.door.clear()
    await bench.accept("1:1")
    await bench.accept("2:1", "3:1", message_type="cash.moved")
    await bench.accept("4:1")
    await bench.start()
    assert (await bench.books())["filtered"] == 0
    await bench.restart()
    bench.target.door.set()
    await bench.turn()
    assert await bench.books() == {"delivered": 2, "filtered": 2}


async def test_a_message_with_findings_waits_alone_where_the_route_wants_clean_ones():
    """It holds nobody, and a person may release it."""
    bench = Bench(route=Route(ROUTE, frozenset({SALE}), "erp", requires="clean"))
    await bench.accept("1:1")
    await bench.accept("1:1", clean=False)
    await bench.accept("1:1")
    delivery = await bench.start()
    assert bench.states() == {1: "delivered", 2: "held", 3: "delivered"}
    assert (bench.row(2).reason, bench.row(2).code) == ("findings", "TW-4008")
    outcomes = await delivery.retry(ROUTE, [2], "ada", "checked with the store")
    await bench.turn()
    assert [outcome.done for outcome in outcomes] == [True]
    assert await bench.books() == {"delivered": 3}


async def test_findings_wait_alone_after_a_restart_too():
    """A restart neither sends what waits for a person nor holds its lane."""
    bench = Bench(route=Route(ROUTE, frozenset({SALE}), "erp", requires="clean"))
    await bench.accept("1:1", clean=False)
    await bench.start()
    await bench.restart()
    await bench.accept("1:1")
    await bench.turn()
    assert bench.states() == {1: "held", 2: "delivered"}


async def test_findings_pass_where_the_route_takes_any():
    """Positive control: without `requires = clean` the same message is delivered."""
    bench = Bench()
    await bench.accept("1:1", clean=False)
    await bench.start()
    assert await bench.books() == {"delivered": 1}


async def test_an_ordering_key_of_the_route_makes_the_lanes():
    """A route may order by something else than the message type does."""
    route = Route(ROUTE, frozenset({SALE}), "erp", lane_key=lambda body: body["number"] % 2)
    bench = Bench(route=route)
    await bench.accept("1:1", "2:1", "3:1")
    await bench.start()
    assert bench.row(3).lane == f"{ROUTE}/1"


async def test_a_filter_that_fails_makes_a_dead_letter_and_never_loses_a_message():
    """What cannot be routed is shown, with the cause, and the rest flows."""

    def broken(body):
        if body["number"] == 2:
            raise ValueError("number is odd in a strange way")
        return True

    bench = Bench(route=Route(ROUTE, frozenset({SALE}), "erp", filter=broken))
    await bench.accept("1:1", "1:1", "1:1")
    await bench.start()
    assert await bench.books() == {"delivered": 2, "dead": 1}
    assert bench.row(2).code == "TW-4007"


class Doubler:
    """A mapping that knows every message but one."""

    reads = None

    def apply(self, record):
        """Return a document, or say why there is none."""
        if record["number"] == 2:
            breach = Violation("document.account", "code", "GOLD", "a row of codes/tender.csv")
            raise ContractViolation("TW-3311", "1 row cannot map this record", [breach])
        if record["number"] == 3:
            raise RuntimeError("a bug in the mapping")
        return {"document": record["number"], "from": record["envelope"]["natural_key"]}


async def test_the_mapping_of_the_route_makes_what_the_target_gets():
    """The body is the mapped document; one that cannot be mapped is dead with its violations."""
    route = Route(ROUTE, frozenset({SALE}), "erp", mapping="erp-document")
    bench = Bench(route=route, mappings={"erp-document": Doubler()})
    await bench.accept("1:1", "1:1", "2:1")
    await bench.start()
    assert bench.target.sent[0].body == {"document": 1, "from": "1:1:1"}
    assert (bench.row(2).code, bench.row(2).state) == ("TW-4001", "dead")
    assert "GOLD" in bench.row(2).detail
    assert bench.row(3).state == "held"
    await bench.turn(10)
    await bench.turn(10)
    assert (bench.row(3).state, bench.row(3).code) == ("dead", "TW-4003")
    await bench.books()
