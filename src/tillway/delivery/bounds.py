"""How much delivery holds in memory, and how gently it treats old work; shown in the reference.

They bound one route each; a backlog of any length waits in the journal, never here.
"""

READ_MESSAGES = 500
"""Messages asked of the journal at once."""

WINDOW_MESSAGES = 2_000
"""Payloads a route holds in memory; beyond them a waiting message is a position only."""

TAIL_MESSAGES = 4_000
"""Newly accepted messages a route keeps for itself; beyond them it reads the journal again."""

UNCOMMITTED_POSITIONS = 20_000
"""How far a route reads ahead of its cursor while one slow call holds the cursor back."""

LOOK_AHEAD_MESSAGES = 100
"""Payloads fetched at once for lanes that drain."""

DELIVERIES_AT_ONCE = 1_000
"""Rows an operator's action or a replay handles in one transaction."""

KILLED_WORKERS = 3
"""Deaths of a worker on one message after which the message is a dead letter."""

LONGEST_RETRY_AFTER_SECONDS = 24 * 3600.0
"""A target may ask for no longer wait than this."""

OPERATOR_RATE_PER_SECOND = 50.0
"""Messages per second and route that a person sent again."""

REPLAY_RATE_PER_SECOND = 50.0
"""Messages per second of a replay, unless its plan says otherwise."""

REPLAY_TRIES = 3
"""Calls a replay makes for one message before it reports a failure and goes on."""

LIVE_CALLS_PER_OPERATOR_CALL = 9
"""Under full load an operator's retry gets one call in ten, so that it is never starved."""

BURST_SHARE = 0.05
"""Part of a second's rate that may go out at once. With the rate it makes 1.05 times; the rest, up
to 1.1 times, is for calls that leave evenly and arrive together."""

RAMP_START_SHARE = 0.1
"""Part of its declared rate a target gets at first after it was away, and at least."""

RAMP_SHARE_PER_SECOND = 0.2
"""Part of its declared rate by which a recovering target gets more, each second."""

SHORTEST_CUT_SECONDS = 1.0
"""The rate of a failing target is halved no more often than this."""

LEFT_OUT_TOLD = 10
"""Superseded messages that a plan or a refusal names; the others are counted."""

DETAIL_CHARACTERS = 500
"""Length of an error sentence kept in the ledger."""
