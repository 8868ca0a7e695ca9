"""Journal to target: lanes in order, retries, breaker and limits, dead letters, replay."""

from tillway.delivery.dispatcher import Dispatcher, RouteSnapshot
from tillway.delivery.gate import TargetGate, TargetSnapshot
from tillway.delivery.outbound import idempotency_key
from tillway.delivery.replay import Replay, ReplayResult, ReplaySnapshot, ReplaySummary
from tillway.delivery.replay_plan import ReplayPlan, ReplaySelection, plan_replay
from tillway.delivery.retry_letters import LetterOutcome, Order, Verb, settle_offline
from tillway.delivery.room import Delivery, DeliverySnapshot

__all__ = [
    "Delivery",
    "DeliverySnapshot",
    "Dispatcher",
    "LetterOutcome",
    "Order",
    "Replay",
    "ReplayPlan",
    "ReplayResult",
    "ReplaySelection",
    "ReplaySnapshot",
    "ReplaySummary",
    "RouteSnapshot",
    "TargetGate",
    "TargetSnapshot",
    "Verb",
    "idempotency_key",
    "plan_replay",
    "settle_offline",
]
