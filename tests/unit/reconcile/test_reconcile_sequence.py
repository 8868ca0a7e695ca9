"""Missing, doubled and misplaced numbers of a store-day."""

from __future__ import annotations

from tillway.model.sequence import DAILY, ResetPolicy
from tillway.reconcile.audit_day import audit_day, missing_in
from unit.reconcile.days import NOON, SECOND, around, book_of, closed, fact, found_in, judge, sale

WRAP = ResetPolicy("wrap", 9999)


def gaps(found: dict[tuple[str, str], object]) -> list[str]:
    """Return the subjects of the gaps found."""
    return [subject for rule, subject in found if rule == "SEQ_GAP"]


def test_each_missing_number_is_a_finding() -> None:
    """Between the first and last number each hole is named; control records use up numbers too."""
    book = book_of([sale(5), fact("control", 6, subtype="no_sale"), sale(9)])
    assert gaps(found_in(book)) == ["03:7", "03:8"]
    assert gaps(found_in(book_of([sale(5), sale(6)]))) == []


def test_a_long_run_is_one_finding() -> None:
    """A mistyped number does not make a million; the finding says how many it stands for."""
    found = gaps(found_in(book_of([sale(1), sale(1_000_000)])))
    assert found == ["03:2-999999"]
    assert missing_in(found[0]) == 999_998
    assert missing_in("03:7:e2") == 1


def test_the_day_before_says_where_to_begin() -> None:
    """A counter that never starts again goes on from the evening before."""
    book = book_of([sale(12)])
    assert gaps(found_in(book, before={("03", 0): 9})) == ["03:10", "03:11"]


def test_a_daily_counter_begins_with_one() -> None:
    """The first number of the day is expected; what the day before had does not matter."""
    book = book_of([sale(3)])
    assert gaps(found_in(book, policy=DAILY, before={("03", 0): 900})) == ["03:1", "03:2"]


def test_a_counter_wraps_within_a_day() -> None:
    """After 9999 comes 1; a hole on either side of the turn is found."""
    book = book_of([sale(9997), sale(9999), sale(1), sale(3)])
    before = {("03", 0): 9996}
    assert gaps(found_in(book, policy=WRAP, before=before)) == ["03:9998", "03:2"]


def test_the_first_day_of_a_counter_that_wraps() -> None:
    """With no day before, the widest hole round the circle is the night and not missing."""
    book = book_of([sale(9998), sale(9999), sale(1), sale(2)])
    assert gaps(found_in(book, policy=WRAP)) == []
    assert gaps(found_in(book_of([sale(5), sale(7)]), policy=WRAP)) == ["03:6"]


def test_a_counter_that_starts_again_is_a_run_of_its_own() -> None:
    """Numbers of another epoch are no duplicates and leave no gap."""
    again = [sale(1, epoch=1), sale(3, epoch=1)]
    assert gaps(found_in(book_of([sale(500), *again]))) == ["03:2:e1"]


def test_the_close_record_says_what_was_first_and_last() -> None:
    """Numbers at the ends are missed only because the close names them."""
    book = book_of([sale(5), sale(6), closed(7, registers={"03": (4, 8, 5)})])
    found = found_in(book)
    assert gaps(found) == ["03:4", "03:8"]
    assert found["COUNT_MISMATCH", "03"].difference == "-2"


def test_a_number_under_the_neighbouring_date_fills_the_gap() -> None:
    """It is accounted for wherever it stands; under both dates it is a duplicate."""
    book = book_of([sale(5), sale(7)])
    assert gaps(found_in(book, elsewhere={("03", 0): [(6, 6)]})) == []
    found = found_in(book, elsewhere={("03", 0): [(6, 7)]})
    assert list(found) == [("SEQ_DUPLICATE", "03:7")]


def test_a_number_in_quarantine_is_used() -> None:
    """It is no gap, and the count of the close record holds."""
    book = book_of([sale(5), sale(7), closed(8, registers={"03": (5, 8, 4)})])
    book.quarantined("03", 0, 6)
    assert found_in(book) == {}


def test_an_overridden_number_is_accounted_for() -> None:
    """What a person decided about counts in the comparison with the close record."""
    book = book_of([sale(5), sale(7), closed(8, registers={"03": (5, 8, 4)})])
    assert ("COUNT_MISMATCH", "03") in found_in(book)
    assert ("COUNT_MISMATCH", "03") not in found_in(book, decided={"03": 1})


def test_a_young_gap_of_a_live_feed_waits() -> None:
    """It is shown 60 seconds after the number behind it came, and the day is not whole before."""
    book = book_of([sale(5), sale(7)])
    came = NOON + 7 * SECOND
    young = audit_day(book, around(now=came, grace_seconds=60), judge())
    assert (young.findings, young.waits_until) == ([], came + 60 * SECOND)
    old = audit_day(book, around(now=came + 60 * SECOND, grace_seconds=60), judge())
    assert ([one.subject for one in old.findings], old.waits_until) == (["03:6"], 0)
    past = around(now=came, grace_seconds=60, past_cut_off=True, closes=False)
    assert len(audit_day(book, past, judge()).findings) == 1


def test_numbers_against_the_clock_are_told() -> None:
    """The register whose clock went back is named, with the number where it did."""
    late = sale(6, happened_at=NOON // SECOND - 3600)
    [finding] = found_in(book_of([sale(5), late, sale(7)])).values()
    assert (finding.rule, finding.subject, finding.severity) == ("SEQ_OUT_OF_ORDER", "03", "warn")
    assert finding.detail.endswith(": 6")


def test_strangers_are_told() -> None:
    """A register the shop does not have, and a shop nobody knows."""
    book = book_of([sale(5), sale(6, till="99")])
    found = found_in(book, workstations=frozenset({"03"}), known=False)
    assert set(found) == {("UNKNOWN_STORE", ""), ("UNKNOWN_WORKSTATION", "99")}
    assert found_in(book) == {}


def test_where_numbers_promise_nothing_none_is_missing() -> None:
    """A system without counters has no gaps, no duplicates and no order."""
    book = book_of([sale(9), sale(5, happened_at=1)])
    assert found_in(book, policy=None) == {}
