"""Ways to break a promise of the hub on purpose, each with the test that must notice it.

Surprising: a mutant is text put in the place of other text, which must stand in its file just once;
whoever changes that line changes it here, or `test_mutants_fit.py` fails.
"""

from __future__ import annotations

from dataclasses import dataclass

POWER_CUT = "tests/crash/test_power_cut.py::test_no_power_cut_loses_what_was_acknowledged"
FLUSH = "tests/crash/test_disk_faults.py::test_after_a_failed_flush_nothing_is_acknowledged"
FULL = "tests/crash/test_disk_faults.py::test_a_full_disk_refuses_and_takes_again_without_a_restart"
LEAVES = "tests/crash/test_hub_disk_faults.py::{}[1]".format(
    "test_a_hub_whose_flush_fails_acknowledges_nothing_more_and_leaves"
)
SUITE = "tests/conformance/test_journal.py"
ORDER = "tests/property/test_delivery_order.py"
BROKEN_CALLS = (
    "tests/crash/test_network_faults.py::test_broken_calls_lose_double_and_reorder_nothing"
)
LEFT_IN_PEACE = (
    "tests/unit/delivery/test_delivery_outage.py"
    "::test_an_open_circuit_sends_nothing_and_burns_no_attempts"
)

DRAINED = (
    "tests/unit/delivery/test_delivery_outage.py"
    "::test_a_drained_backlog_stays_below_the_rate_of_the_target"
)
RATE = "tests/unit/delivery/test_delivery_limits.py"
RETURNS = "tests/unit/delivery/test_delivery_returns.py"
APPROVAL = "tests/unit/delivery/test_delivery_approval.py"
DEATHS = "tests/unit/delivery/test_delivery_deaths.py"
ORDERS = "tests/unit/delivery/test_delivery_orders.py"
LEAVING = "tests/unit/delivery/test_delivery_leaving.py"
WINDOW = "tests/unit/delivery/test_delivery_window.py"

ASKED_FIRST = (
    "tests/crash/test_crash_points.py::test_after_a_death_a_target_of_class_b_is_asked_first"
)


@dataclass(frozen=True, slots=True)
class Edit:
    """Text of one file (a path below src/tillway), and what is put in its place."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """A broken promise: what is broken, how, and the test that must fail."""

    name: str
    edits: tuple[Edit, ...]
    test: str


WRITER = "journal/sqlite_writer.py"
APPEND = "journal/sqlite_append.py"

MUTANTS = (
    Mutant(
        "answer before the commit",
        (
            Edit(
                WRITER,
                "        crash_points.reached("
                "crash_points.BEFORE_COMMIT, len(appender.accepted))\n",
                "        self._answer(answers, appender.accepted)\n",
            ),
        ),
        FLUSH,
    ),
    Mutant(
        "synchronous = NORMAL",
        (
            Edit("journal/sqlite.py", "PRAGMA synchronous = FULL", "PRAGMA synchronous = NORMAL"),
            Edit("journal/sqlite.py", '("synchronous", 2)', '("synchronous", 1)'),
        ),
        POWER_CUT,
    ),
    Mutant(
        "go on after a failed flush",
        (
            Edit(
                WRITER,
                '        self.fault = JournalFault("TW-5001", '
                'f"the journal could not write: {error}")\n'
                "        self._answer([(job, self.fault) for job in jobs], [])\n",
                "        self._roll_back()\n"
                '        lost = JournalFault("TW-5001", str(error))\n'
                "        self._answer([(job, lost) for job in jobs], [])\n",
            ),
        ),
        FLUSH,
    ),
    Mutant(
        "stay up after a failed flush",
        (Edit("assembly/hub.py", "while self.journal.fault is None:", "while True:"),),
        LEAVES,
    ),
    Mutant(
        "a full disk leaves holes",
        (
            Edit(
                WRITER,
                "            if self._rolled_back(jobs):\n                self._answer([(job, _di",
                "            if jobs:\n                self._answer([(job, _di",
            ),
        ),
        FULL,
    ),
    Mutant(
        "key not unique",
        (
            Edit(
                APPEND,
                "known = self._known.get(item.key_digest)\n        if known is None:",
                "known = None\n        if known is None:",
            ),
            Edit(
                "journal/sql/schema.sql",
                "CREATE UNIQUE INDEX IF NOT EXISTS message_key",
                "CREATE INDEX IF NOT EXISTS message_key",
            ),
        ),
        SUITE,
    ),
    Mutant(
        "the last copy of a conflict wins",
        (
            Edit(
                APPEND,
                'kept = self._keep("conflict", conflicting_copy(item), known[0])',
                "return self._accept(item)",
            ),
            Edit(
                "journal/sql/schema.sql",
                "CREATE UNIQUE INDEX IF NOT EXISTS message_key",
                "CREATE INDEX IF NOT EXISTS message_key",
            ),
        ),
        SUITE,
    ),
    Mutant(
        "cursor moved before settle",
        (
            Edit("delivery/settle.py", "while order and order[0] in done:", "while order:"),
            Edit(
                "delivery/settle.py", "passed = done.pop(cursor)", "passed = done.pop(cursor, None)"
            ),
        ),
        ORDER,
    ),
    Mutant(
        "lane order ignored",
        (
            Edit(
                "delivery/traffic.py",
                "self._queue(opened, lane)",
                'self._queue(opened, f"{lane}#{message.position}")',
            ),
        ),
        ORDER,
    ),
    Mutant(
        "a lane opens before that is on record",
        (
            Edit(
                "delivery/traffic.py",
                "self.settler.then(partial(self._left, lane))",
                "self._left(lane)",
            ),
        ),
        LEAVING,
    ),
    Mutant(
        "a commit is handed out twice",
        (
            Edit(
                "delivery/window.py",
                "if messages[-1].position <= self.position:",
                "if not messages:",
            ),
        ),
        WINDOW,
    ),
    Mutant(
        "another key at every attempt",
        (
            Edit(
                "delivery/outbound.py",
                "    key = idempotency_key(envelope)\n",
                '    key = f"{idempotency_key(envelope)}#{attempt}"\n',
            ),
        ),
        BROKEN_CALLS,
    ),
    Mutant(
        "no intent before the call",
        (
            Edit(
                "delivery/calls.py",
                'if self.fates.delivery_class in "BD":',
                'if self.fates.delivery_class in "D":',
            ),
        ),
        ASKED_FIRST,
    ),
    Mutant(
        "sent again without asking",
        (
            Edit(
                "delivery/calls.py",
                "if head.trouble is not None and head.trouble.doubtful:",
                "if head.trouble is not None and head.trouble.doubtful is None:",
            ),
        ),
        ASKED_FIRST,
    ),
    Mutant(
        "breaker removed",
        (
            Edit(
                "delivery/breaker.py",
                "        self._open(error)\n        return True\n",
                "        return False\n",
            ),
        ),
        LEFT_IN_PEACE,
    ),
    Mutant(
        "a recovered target gets its whole rate",
        (Edit("delivery/gate.py", "                self.ramp.restart()\n", ""),),
        DRAINED,
    ),
    Mutant(
        "a failing target keeps its rate",
        (
            Edit(
                "delivery/limits.py",
                "self._rate.rate_per_second / 2.0",
                "self._rate.rate_per_second",
            ),
        ),
        RATE,
    ),
    Mutant(
        "an idle target gets a burst",
        (Edit("delivery/bounds.py", "BURST_SHARE = 0.05", "BURST_SHARE = 1.0"),),
        RATE,
    ),
    Mutant(
        "a return goes before its sale",
        (
            Edit(
                "delivery/calls.py",
                "made = waits or self._translate(job, content)",
                "made = self._translate(job, content)",
            ),
        ),
        RETURNS,
    ),
    Mutant(
        "a sale on its way is not noticed",
        (Edit("delivery/returns.py", "        await settler.flushed()\n", ""),),
        RETURNS,
    ),
    Mutant(
        "a return waits for ever",
        (
            Edit(
                "delivery/returns.py",
                "while self.next_limit() <= self._traffic.clock.monotonic():",
                "while self.next_limit() < 0.0:",
            ),
        ),
        RETURNS,
    ),
    Mutant(
        "one person approves alone",
        (Edit("delivery/approval.py", "if request.who == who:", "if not request.who:"),),
        APPROVAL,
    ),
    Mutant(
        "poison kills workers for ever",
        (Edit("delivery/bounds.py", "KILLED_WORKERS = 3\n", "KILLED_WORKERS = 3_000\n"),),
        DEATHS,
    ),
    Mutant(
        "a restart forgets the deaths",
        (Edit("delivery/rebuild.py", "        trouble.deaths = deaths\n", ""),),
        DEATHS,
    ),
    Mutant(
        "a recovery lets go what a person holds",
        (
            Edit(
                "delivery/traffic.py",
                "trouble is None or trouble.doubtful or trouble.on_hold",
                "trouble is None or trouble.doubtful",
            ),
        ),
        ORDERS,
    ),
    Mutant(
        "calls without a deadline",
        (
            Edit(
                "connectors/http/target.py",
                "timeout_seconds=settings.timeout_seconds",
                "timeout_seconds=3600.0",
            ),
        ),
        BROKEN_CALLS,
    ),
)
