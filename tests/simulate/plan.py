"""What a seed makes of a world: routes and targets, tills and what they sell, and every mishap.

Each actor draws from a generator of its own, so that more of one thing does not change another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from msgspec.structs import replace

from simulate.record import DeliveryClass, RouteFacts
from tillway.journal import crash_points
from tillway.model import to_minor
from tillway.project import load_release
from tillway.project.records import BreakerPolicy, Release, RetryPolicy, TargetRecord
from tillway.project.template import Variables, new_project
from tillway.routing import Route

SALE = "retail_transaction.completed"
SOURCE = "quayside"
STORES = ("0002", "0005")
SETTLE_SECONDS = 30.0
KINDS = (
    *("kill", "kill_at", "kill_at", "power", "power_at", "power_at"),
    *("stop", "flush", "full", "away", "away", "clock"),
)
POINTS = (
    crash_points.BEFORE_COMMIT,
    crash_points.BEFORE_ANSWER,
    crash_points.BEFORE_DISPATCH,
    crash_points.BEFORE_SEND,
    crash_points.BEFORE_LEDGER,
)


@dataclass(frozen=True, slots=True)
class Mishap:
    """One fault at a time in virtual seconds.

    kind: `kill`, `power`, `stop` (at that moment); `kill_at` (a crash point, at its count-th
    passing), `power_at` (the count-th write or flush); `flush` (the count-th flush fails), `full`,
    `away` (a target, for seconds), `clock` (stepped by seconds). where: crash point or target.
    """

    at: float
    kind: str
    where: str = ""
    count: int = 1
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """A target: its class, what a call carries, and how it fails."""

    delivery_class: DeliveryClass
    max_bulk: int
    stops_per_lane: bool
    fault_share: float
    poison_share: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole world before it begins; seconds: how long faults happen."""

    seed: int
    seconds: float
    release: Release
    routes: Mapping[str, RouteFacts]
    targets: Mapping[str, TargetPlan]
    tills: tuple[tuple[str, str, int], ...]
    mishaps: tuple[Mishap, ...]
    checkpoint_pages: int
    has_operator: bool = True


def generator(seed: int, name: str) -> Random:
    """Return the generator of one actor."""
    return Random(f"{seed}/{name}")


def plan_of(seed: int, *, faults: bool) -> Plan:
    """Draw a world; without faults nothing fails, and everything must be delivered at once."""
    random = generator(seed, "plan")
    seconds = random.uniform(40.0, 160.0)
    classes: tuple[DeliveryClass, ...] = ("A", "B", "C", "D")
    chosen = random.sample(classes, random.choice((1, 2, 2, 3)))
    targets: dict[str, TargetPlan] = {}
    records: dict[str, TargetRecord] = {}
    facts: dict[str, RouteFacts] = {}
    routes: dict[str, Route] = {}
    for delivery_class in sorted(chosen):
        name = f"target-{delivery_class.lower()}"
        targets[name] = _target(delivery_class, random, faults=faults)
        records[name] = TargetRecord(
            name,
            "virtual",
            delivery_class,
            {},
            rate_per_second=random.choice((0.0, 0.0, 4.0)),
            concurrency=random.choice((1, 3, 8)),
            settle_seconds=SETTLE_SECONDS,
        )
        facts[f"to-{name}"], routes[f"to-{name}"] = _route(name, random)
    mishaps = _mishaps(seed, seconds, list(targets)) if faults else ()
    tills = [
        (random.choice(STORES), f"{number:02}", random.randint(3, 12))
        for number in range(1, random.randint(2, 4) + 1)
    ]
    release = replace(
        _release(),
        routes=routes,
        targets=records,
        retries={"standard": _retry(random)},
        breakers={"standard": BreakerPolicy("standard", failures=random.choice((2, 5)))},
    )
    checkpoint_pages = random.choice((40, 4000))
    return Plan(seed, seconds, release, facts, targets, tuple(tills), mishaps, checkpoint_pages)


def _target(delivery_class: DeliveryClass, random: Random, *, faults: bool) -> TargetPlan:
    return TargetPlan(
        delivery_class,
        max_bulk=random.choice((1, 1, 4)),
        stops_per_lane=random.random() < 0.3,
        fault_share=random.choice((0.05, 0.2, 0.5)) if faults else 0.0,
        poison_share=random.choice((0.0, 0.1)) if faults else 0.0,
    )


def _route(target: str, random: Random) -> tuple[RouteFacts, Route]:
    least_minor = random.choice((0, 0, 300))
    needs_clean = random.random() < 0.3
    holds = random.random() < 0.2
    route = Route(
        f"to-{target}",
        frozenset({SALE}),
        target,
        mapping="erp-document" if target == "target-a" else "",
        filter=_at_least(least_minor) if least_minor else None,
        requires="clean" if needs_clean else "any",
        dead_head="hold" if holds else "open",
    )
    return RouteFacts(target, needs_clean, holds, least_minor), route


def _at_least(minor: int) -> Any:
    return lambda body: to_minor(Decimal(body["totals"]["grand"]), body["currency"]) >= minor


def _retry(random: Random) -> RetryPolicy:
    kind = random.choice(("fixed", "exponential", "exponential_full_jitter"))
    horizon = random.choice((45.0, 600.0, 259_200.0))
    return RetryPolicy("standard", kind, 0.5, 20.0, horizon)  # type: ignore[arg-type]


def _mishaps(seed: int, seconds: float, targets: list[str]) -> tuple[Mishap, ...]:
    random = generator(seed, "mishaps")
    return tuple(
        sorted(
            (_mishap(random, seconds, targets) for _ in range(random.choice((0, 1, 2, 3, 5)))),
            key=lambda one: one.at,
        )
    )


def _mishap(random: Random, seconds: float, targets: list[str]) -> Mishap:
    at = random.uniform(0.0, seconds)
    kind = random.choice(KINDS)
    if kind == "kill_at":
        return Mishap(at, kind, random.choice(POINTS), random.randint(1, 6))
    if kind == "power_at":
        return Mishap(at, kind, count=random.randint(1, 40))
    if kind == "flush":
        return Mishap(at, kind, count=random.randint(1, 6))
    if kind == "clock":
        return Mishap(at, kind, seconds=random.choice((300.0, -300.0, 86_400.0, -315_360_000.0)))
    where = random.choice(targets) if kind == "away" else ""
    return Mishap(at, kind, where, seconds=random.uniform(1.0, 60.0))


@cache
def _release() -> Release:
    """Return the release of the template project, compiled once per process."""
    with TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        secrets = Random(20261121)
        new_project(project, "pos-erp", Variables("virtual", 0, 1), secrets.randbytes)
        found = load_release(project, environ={})
    return replace(found, sources={SOURCE: found.sources[SOURCE]})
