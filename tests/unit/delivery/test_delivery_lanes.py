"""The lanes in memory: positions in order, small, and each lane ready at most once."""

from tillway.delivery.lanes import Lane, Lanes


def lane_of(*positions: int) -> Lane:
    """Return a lane with these positions."""
    lane = Lane("r/1")
    for position in positions:
        lane.add(position)
    return lane


def test_positions_come_out_in_order_however_they_went_in():
    """A position that arrives late takes its place by number."""
    lane = lane_of(5, 9, 2, 7)
    assert [lane.pop() for _ in range(len(lane))] == [2, 5, 7, 9]


def test_a_position_is_in_a_lane_once():
    """Adding a waiting position again changes nothing."""
    lane = lane_of(4, 6)
    lane.add(4)
    lane.add(6)
    assert list(lane) == [4, 6]


def test_positions_popped_are_gone_even_after_compaction():
    """A long lane gives its memory back while it drains, and still holds the right rest."""
    lane = lane_of(*range(1, 3001))
    for _ in range(2500):
        lane.pop()
    assert lane.head == 2501
    assert len(lane) == 500
    assert 2500 not in lane
    assert 2600 in lane
    lane.remove(2600)
    assert len(lane) == 499
    assert list(lane.first(2)) == [2501, 2502]


def test_a_million_positions_take_ten_megabytes_at_most():
    """What waits behind a held head is 8 bytes each, so a million fit easily in memory."""
    lane = lane_of(*range(1_000_000))
    assert lane._positions.buffer_info()[1] * lane._positions.itemsize <= 8_000_000


def test_a_due_time_counts_once_and_only_while_it_stands():
    """A lane that was made ready, or waits anew, is not woken by its old time."""
    lanes = Lanes()
    lane = lanes.open("r/1")
    lane.add(1)
    lanes.wait(lane, 10.0)
    lanes.wait(lane, 20.0)
    assert lanes.next_due() == 20.0
    assert lanes.take_due(15.0) == []
    assert lanes.take_due(20.0) == [lane]
    assert lanes.next_due() is None


def test_operators_retries_have_a_queue_of_their_own():
    """Live lanes and low ones are taken apart."""
    lanes = Lanes()
    live, low = lanes.open("r/1"), lanes.open("r/2")
    live.add(1)
    low.add(2)
    lanes.ready(live)
    lanes.ready(low, low=True)
    assert (lanes.live_ready, lanes.low_ready) == (1, 1)
    assert lanes.next_ready(low=True) is low
    assert lanes.next_ready(low=False) is live
    assert lanes.next_ready(low=False) is None


def test_a_lane_that_waits_or_is_stopped_does_not_go():
    """Whatever is still queued from before, a waiting or stopped lane sends nothing."""
    lanes = Lanes()
    for name in ("r/waits", "r/stopped", "r/flies", "r/empty"):
        lane = lanes.open(name)
        lane.add(1)
        lanes.ready(lane)
    lanes.wait(lanes.by_name["r/waits"], 5.0)
    lanes.by_name["r/stopped"].stopped = 9
    lanes.by_name["r/flies"].flying = 1
    lanes.by_name["r/empty"].pop()
    assert lanes.next_ready(low=False) is None
