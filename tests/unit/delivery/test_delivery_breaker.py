"""The circuit of a target: when it opens, how it probes, when it closes."""

from tillway.clock import ManualClock
from tillway.delivery.breaker import Breaker
from tillway.errors import NotConnected, Transient
from tillway.project.records import BreakerPolicy

BUSY = Transient("TW-9001", "no answer in time")
AWAY = NotConnected("TW-9001", "connection refused")


def fail(breaker: Breaker, count: int, *, one_message: bool = False) -> None:
    """Let calls fail, each for another message unless told otherwise."""
    for number in range(count):
        breaker.failed("r/1" if one_message else f"r/{number}", BUSY, probe=False)


async def test_it_opens_after_the_declared_number_of_failures_in_a_row():
    """Four failures leave it closed, the fifth opens it, with the cause on record."""
    breaker = Breaker("erp", BreakerPolicy("standard", failures=5), ManualClock())
    fail(breaker, 4)
    assert breaker.is_closed
    assert breaker.failed("r/9", BUSY, probe=False)
    assert breaker.state.state == "open"
    assert (breaker.state.code, breaker.state.detail) == ("TW-9001", "no answer in time")
    assert breaker.wait_seconds() == 1.0


async def test_a_success_between_failures_starts_the_count_again():
    """Failures must be in a row."""
    breaker = Breaker("erp", BreakerPolicy("standard", failures=3), ManualClock())
    for _ in range(5):
        fail(breaker, 2)
        breaker.succeeded(probe=False)
    assert breaker.is_closed
    assert breaker.state.failures == 0


async def test_one_message_alone_cannot_open_it():
    """A message that the target cannot take is no proof that the target is away."""
    breaker = Breaker("erp", BreakerPolicy("standard", failures=3), ManualClock())
    fail(breaker, 50, one_message=True)
    assert breaker.is_closed
    breaker.failed("r/2", BUSY, probe=False)
    assert not breaker.is_closed


async def test_a_target_that_cannot_be_connected_opens_it_with_one_message_too():
    """A refused connection is about the target, whatever the message."""
    breaker = Breaker("erp", BreakerPolicy("standard", failures=3), ManualClock())
    for _ in range(3):
        breaker.failed("r/1", AWAY, probe=False)
    assert breaker.state.state == "open"


async def test_probes_come_after_1_2_4_up_to_60_seconds():
    """Each failed probe waits longer, up to a minute; the record keeps when it opened."""
    clock = ManualClock()
    breaker = Breaker("erp", BreakerPolicy("standard", failures=2), clock)
    fail(breaker, 2)
    opened = breaker.state.since
    waits = []
    for _ in range(9):
        waits.append(breaker.wait_seconds())
        await clock.advance(waits[-1])
        assert breaker.wait_seconds() == 0.0
        assert breaker.start()
        assert breaker.state.state == "half_open"
        breaker.failed("r/1", BUSY, probe=True)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert breaker.state.since == opened


async def test_a_good_probe_closes_it_and_the_next_outage_starts_from_one_second():
    """Recovery forgets the long waits."""
    clock = ManualClock()
    breaker = Breaker("erp", BreakerPolicy("standard", failures=1), clock)
    fail(breaker, 2)
    for wait in (1, 2):
        await clock.advance(wait)
        breaker.start()
        breaker.failed("r/1", BUSY, probe=True)
    await clock.advance(4)
    breaker.start()
    assert breaker.succeeded(probe=True)
    assert breaker.is_closed
    assert breaker.state.detail == ""
    fail(breaker, 2)
    assert breaker.wait_seconds() == 1.0


async def test_only_one_probe_goes_out_and_late_answers_of_older_calls_do_not_decide():
    """While half open everybody else waits; a straggler neither closes nor opens."""
    clock = ManualClock()
    breaker = Breaker("erp", BreakerPolicy("standard", failures=1), clock)
    fail(breaker, 2)
    await clock.advance(1)
    breaker.start()
    assert breaker.wait_seconds() == float("inf")
    assert not breaker.succeeded(probe=False)
    assert not breaker.failed("r/7", BUSY, probe=False)
    assert breaker.state.state == "half_open"


async def test_a_probe_that_ended_without_an_answer_lets_the_next_one_go():
    """A cancelled probe does not leave the circuit half open for ever."""
    clock = ManualClock()
    breaker = Breaker("erp", BreakerPolicy("standard", failures=1), clock)
    fail(breaker, 2)
    await clock.advance(1)
    breaker.start()
    breaker.abandoned()
    assert breaker.wait_seconds() == 0.0
    assert breaker.start()
