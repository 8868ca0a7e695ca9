"""Plain records of everything in a project folder; the rooms above interpret them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tillway.contracts import Contract
from tillway.mapping import MappingTable
from tillway.routing import Route
from tillway.routing.route import Expression


@dataclass(frozen=True, slots=True)
class RecordSelector:
    """Which mapping table takes a record: the first whose `when` is true."""

    when: Expression
    when_text: str
    mapping: str


@dataclass(frozen=True, slots=True)
class Masking:
    """What is masked in a source's input beyond the list that always holds.

    lists: names in `security/masking.toml`; drop: more fields to leave out; item_fields: more
    fields whose numbers are not searched for card numbers.
    """

    lists: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    item_fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """The `[source]` of a system. settings are the connector's own, secrets already resolved."""

    system: str
    connector: str
    format: str
    format_options: Mapping[str, Any]
    dialect: str
    settings: Mapping[str, Any]
    records: tuple[RecordSelector, ...]
    sequence_scope: tuple[str, ...] = ("business_unit_id", "workstation_id")
    sequence_reset: str = "never"
    contract_version: int = 1
    masking: Masking = Masking()


@dataclass(frozen=True, slots=True)
class TargetRecord:
    """The `[target]` of a system. rate_per_second 0 means unlimited."""

    system: str
    connector: str
    delivery_class: Literal["A", "B", "C", "D"]
    settings: Mapping[str, Any]
    rate_per_second: float = 0.0
    concurrency: int = 8
    breaker: str = "standard"
    settle_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a failed call is tried again; after horizon_seconds it is a dead letter."""

    name: str
    kind: Literal["fixed", "exponential", "exponential_full_jitter"] = "exponential_full_jitter"
    base_seconds: float = 1.0
    cap_seconds: float = 60.0
    horizon_seconds: float = 72 * 3600.0


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When a target's circuit opens, and how long until each probe."""

    name: str
    failures: int = 5
    probe_seconds: tuple[float, ...] = (1, 2, 4, 8, 16, 32, 60)


@dataclass(frozen=True, slots=True)
class Store:
    """One shop of the chain, from `stores.csv`."""

    business_unit_id: str
    name: str
    time_zone: str
    country: str
    currency: str
    system: str
    registers: int = 1
    api_key_sha256: str = ""


BY_CORES = -1
"""As many workers as the machine has cores, and none on a machine with one."""


@dataclass(frozen=True, slots=True)
class HubSettings:
    """`tillway.toml`: the hub itself. journal is a path relative to the project folder.

    intake_workers: processes that prepare batches; 0 leaves it to the hub's own process. The
    `_days` say how long payloads, rows of duplicates and records of calls are kept once nothing is
    left to do about them; 0 keeps them for ever.
    """

    name: str
    time_zone: str = "UTC"
    journal: str = ".state/journal.db"
    listen_host: str = "127.0.0.1"
    listen_port: int = 8080
    drain_seconds: float = 10.0
    disk_floor_bytes: int = 512 * 1024 * 1024
    intake_workers: int = BY_CORES
    raw_days: int = 400
    canonical_days: int = 800
    duplicate_days: int = 400
    attempt_days: int = 400
    pseudonym_key: str = ""
    dev_control: str = ""
    origins: Mapping[str, str] = field(default_factory=dict)
    """Where each value came from (file, env file, environment, --set), for `doctor`."""


@dataclass(frozen=True, slots=True)
class Release:
    """One immutable version of the project folder; digest is content-addressed (hex)."""

    digest: str
    folder: Path
    hub: HubSettings
    sources: Mapping[str, SourceRecord]
    targets: Mapping[str, TargetRecord]
    routes: Mapping[str, Route]
    mappings: Mapping[str, MappingTable]
    contracts: Mapping[str, Contract]
    retries: Mapping[str, RetryPolicy]
    breakers: Mapping[str, BreakerPolicy]
    stores: Mapping[str, Store]
