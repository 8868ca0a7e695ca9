"""Plain records of the `alerts/` folder: thresholds, receivers, and what the chain promises."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Literal

import msgspec

Priority = Literal["P1", "P2", "P3", "P4"]
PRIORITIES: tuple[Priority, ...] = ("P1", "P2", "P3", "P4")


class RuleChoice(msgspec.Struct, frozen=True):
    """What a project sets for one alert rule; None and "" leave what the rule says by itself."""

    threshold: float | None = None
    priority: Priority | None = None
    off: bool = False


class QuietHours(msgspec.Struct, frozen=True):
    """When a receiver hears nothing of some priorities, in the zone of the hub."""

    begins: time
    ends: time
    priorities: tuple[Priority, ...] = ("P3", "P4")


class Receiver(msgspec.Struct, frozen=True):
    """Who is told: `alerts/<name>.toml`. An e-mail has to, sender and a server; a webhook an url.

    security: how the connection to the mail server is protected. secrets: every signature is made
    with each of them, so that one can be replaced without losing a notice.
    """

    name: str
    kind: Literal["email", "webhook"]
    priorities: tuple[Priority, ...] = PRIORITIES
    quiet: QuietHours | None = None
    to: tuple[str, ...] = ()
    sender: str = ""
    host: str = ""
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: str = ""
    ca_file: str = ""
    url: str = ""
    secrets: tuple[str, ...] = ()


class Escalation(msgspec.Struct, frozen=True):
    """After so many minutes without acknowledgement these receivers are told as well."""

    after_minutes: float
    receivers: tuple[str, ...]


class ServiceLevels(msgspec.Struct, frozen=True):
    """What is promised of a route. batch: judged by batch_minutes, not by realtime_p95_seconds."""

    success_percent: float = 99.5
    realtime_p95_seconds: float = 3.0
    batch_minutes: float = 30.0
    dead_letters: int = 0
    consistency_percent: float = 99.9
    uptime_percent: float = 99.9
    resolution_minutes: float = 120.0
    batch: bool = False


class OpeningHours(msgspec.Struct, frozen=True):
    """When a shop is open, in its own zone."""

    opens: time
    closes: time


class WatchSettings(msgspec.Struct, frozen=True):
    """The whole `alerts/` folder. console_url is where links in notices lead.

    route_levels: promises of single routes. opening: business unit -> hours, "" for all; shops
    without hours are judged by when they usually trade.
    """

    rules: Mapping[str, RuleChoice] = msgspec.field(default_factory=dict)
    receivers: Mapping[str, Receiver] = msgspec.field(default_factory=dict)
    escalations: tuple[Escalation, ...] = ()
    console_url: str = ""
    heartbeat_url: str = ""
    report_at: time = time(8)
    levels: ServiceLevels = ServiceLevels()
    route_levels: Mapping[str, ServiceLevels] = msgspec.field(default_factory=dict)
    opening: Mapping[str, OpeningHours] = msgspec.field(default_factory=dict)

    def levels_of(self, route: str) -> ServiceLevels:
        """Return what is promised of a route."""
        return self.route_levels.get(route, self.levels)
