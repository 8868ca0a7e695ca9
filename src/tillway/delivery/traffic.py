"""The messages of one route between the journal and the target: who waits, who goes next.

It sends nothing and waits for nothing. A message in a free lane has no ledger row; in a held lane
every message has one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tillway.clock import Clock
from tillway.delivery.bounds import LOOK_AHEAD_MESSAGES, WINDOW_MESSAGES
from tillway.delivery.jobs import Job, Trouble
from tillway.delivery.lanes import Lane, Lanes
from tillway.delivery.outbound import Opened
from tillway.delivery.rows import Rows
from tillway.delivery.settle import Settler
from tillway.errors import shown
from tillway.journal.base import AttemptRow, DeliveryRow, StoredMessage
from tillway.message import lane_of
from tillway.routing import Route


class Traffic:
    """Lanes, the messages in trouble, the payloads in memory, and the positions being sent."""

    def __init__(self, route: Route, rows: Rows, settler: Settler, clock: Clock) -> None:
        self.route = route
        self.rows = rows
        self.settler = settler
        self.clock = clock
        self.lanes = Lanes()
        self.troubles: dict[int, Trouble] = {}
        self.payloads: dict[int, Opened] = {}
        self.flying: set[int] = set()
        self.doubts: Callable[[Opened, str], bool] | None = None
        """Given after a restore: takes a message that the target may already hold."""
        self.arriving: Callable[[StoredMessage], None] | None = None
        """Given where returns wait: told of every message before it has its place."""

    def arrived(self, message: StoredMessage) -> None:
        """Give a message that was just read its place: passed over, waiting, held or dead.

        What was superseded when it came is passed over on every route, before any filter is asked.
        """
        opened = Opened(message)
        envelope = message.envelope
        self.settler.track(message.position)
        if self.arriving is not None:
            self.arriving(message)
        if message.superseded_by is not None:
            self.settler.passed(message.position, envelope)
            return
        try:
            carried = self.route.carries(envelope, opened.body)
            lane = self.route.lane(envelope, opened.body) if carried else ""
        except Exception as error:  # noqa: BLE001 - a project's expression may fail in any way
            lane = lane_of(self.route.name, envelope.lane_key or envelope.message_id)
            detail = f"the filter or lane key of the route failed: {shown(str(error))}"
            self.settler.write(self.rows.unroutable(message.position, lane, detail))
            return
        if not carried:
            self.settler.passed(message.position, envelope)
        elif self.route.requires == "clean" and not message.clean:
            self.settler.write(self.rows.waiting(message.position, lane, "findings", "TW-4008"))
        elif self.doubts is None or not self.doubts(opened, lane):
            self._queue(opened, lane)

    def take(self, limit: int, *, several: bool, low: bool) -> list[Job]:
        """Take out the messages of the next call: one per lane, or several where the target stops.

        low takes operators' retries instead of live traffic.
        """
        jobs: list[Job] = []
        while len(jobs) < limit and (lane := self.lanes.next_ready(low=low)) is not None:
            job = Job(lane.head, lane, self.troubles.get(lane.head))
            if job.goes_alone and jobs:
                self.lanes.ready_first(lane, low=low)
                break
            self._launch(job, jobs)
            if job.goes_alone:
                break
            while several and len(jobs) < limit and len(lane) and lane.head not in self.troubles:
                self._launch(Job(lane.head, lane), jobs)
        return jobs

    def take_probe(self) -> list[Job]:
        """Take out one message to try whether the target works: a fresh one, else the next due.

        A fresh one is best, since the held one may be the very message the target cannot take.
        """
        self.lanes.fresh_first(self.troubles)
        jobs = self.take(1, several=False, low=False) or self.take(1, several=False, low=True)
        early: list[tuple[Lane, float]] = []
        while not jobs and (lane := self.lanes.take_soonest()) is not None:
            trouble = self.troubles.get(lane.head)
            keeps = trouble and (trouble.doubtful or trouble.on_hold)
            if trouble and keeps and trouble.due > self.clock.monotonic():
                early.append((lane, trouble.due))
            else:
                self._launch(Job(lane.head, lane, trouble), jobs)
        for lane, due in early:
            self.lanes.wait(lane, due)
        return jobs

    def landed(self, job: Job) -> None:
        """Note that the call of a message has ended."""
        job.lane.flying -= 1
        self.flying.discard(job.position)

    def advance(self, lane: Lane) -> None:
        """Let the next message of a lane go, wait for its time, or open the lane."""
        if lane.flying or lane.stopped:
            return
        if not len(lane):
            self.lanes.close(lane)
            return
        trouble = self.troubles.get(lane.head)
        if trouble is not None and trouble.due > self.clock.monotonic():
            self.lanes.wait(lane, trouble.due)
        else:
            self.lanes.ready(lane, low=trouble is not None and trouble.asked)

    def leave(self, lane: Lane, row: DeliveryRow, attempt: AttemptRow | None = None) -> None:
        """Take a message out of its line undelivered; the lane goes on once that is on record.

        A process that died in between would find the message in line again, and send it after those
        that were behind it. What was delivered needs no such wait: it has no second effect.
        """
        self.troubles.pop(row.position, None)
        lane.flying += 1
        self.settler.write(row, attempt)
        self.settler.then(partial(self._left, lane))

    def wake_due(self) -> None:
        """Make the lanes ready whose time has come."""
        for lane in self.lanes.take_due(self.clock.monotonic()):
            self.advance(lane)

    def hurry(self, *, outage: bool) -> None:
        """Make every held head due now, since the target works again; look-ups keep their time.

        A head that failed again after it was hurried is likely the cause of its failures: without
        a real outage in between it waits for its own time, or a few such heads would open the
        breaker for everybody again and again.
        """
        for lane in list(self.lanes.by_name.values()):
            if lane.due and len(lane) and not lane.flying:
                trouble = self.troubles.get(lane.head)
                keeps = trouble is None or trouble.doubtful or trouble.on_hold
                if trouble and not keeps and (outage or not trouble.hurried):
                    trouble.due = 0.0
                    trouble.hurried = True
                    self.advance(lane)

    def hold(self, lane: Lane) -> None:
        """Hold a lane: what waits in memory gets its row, and so does what arrives."""
        if lane.held:
            return
        lane.held = True
        for position in lane:
            self.payloads.pop(position, None)
            if position not in self.troubles:
                self.behind(lane, position)

    def behind(self, lane: Lane, position: int) -> None:
        """Write that a message waits behind a held head."""
        self.settler.write(self.rows.waiting(position, lane.name, "behind_head"))

    def forget(self, lane: Lane) -> None:
        """Drop payloads that were fetched ahead for a lane that now waits."""
        for position in lane.first(LOOK_AHEAD_MESSAGES):
            self.payloads.pop(position, None)

    def _queue(self, opened: Opened, name: str) -> None:
        position = opened.message.position
        lane = self.lanes.by_name.get(name)
        if lane is None:
            lane = self.lanes.open(name)
            lane.add(position)
            self.payloads[position] = opened
            self.lanes.ready(lane)
            return
        lane.add(position)
        if lane.held:
            self.behind(lane, position)
        elif len(self.payloads) < WINDOW_MESSAGES:
            self.payloads[position] = opened

    def _left(self, lane: Lane) -> None:
        lane.flying -= 1
        self.advance(lane)

    def _launch(self, job: Job, jobs: list[Job]) -> None:
        job.lane.pop()
        job.lane.flying += 1
        self.flying.add(job.position)
        jobs.append(job)
