"""Plain records of everything in a project folder; the rooms above interpret them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import msgspec

from tillway.contracts import Contract
from tillway.mapping import MappingTable
from tillway.project.alert_records import WatchSettings
from tillway.routing import Route
from tillway.routing.route import Expression


class RecordSelector(msgspec.Struct, frozen=True):
    """Which mapping table takes a record: the first whose `when` is true."""

    when: Expression
    when_text: str
    mapping: str


class Masking(msgspec.Struct, frozen=True):
    """What is masked in a source's input beyond the list that always holds.

    lists: names in `security/masking.toml`; drop: more fields to leave out; item_fields: more
    fields whose numbers are not searched for card numbers.
    """

    lists: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    item_fields: tuple[str, ...] = ()


class SourceRecord(msgspec.Struct, frozen=True):
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


class TargetRecord(msgspec.Struct, frozen=True):
    """The `[target]` of a system. rate_per_second 0 means unlimited."""

    system: str
    connector: str
    delivery_class: Literal["A", "B", "C", "D"]
    settings: Mapping[str, Any]
    rate_per_second: float = 0.0
    concurrency: int = 8
    breaker: str = "standard"
    settle_seconds: float = 30.0


class RetryPolicy(msgspec.Struct, frozen=True):
    """When a failed call is tried again; after horizon_seconds it is a dead letter.

    sale_wait_seconds: how long a return waits for the sale it takes back before it goes without; 0:
    it does not wait. replay_alone: how many messages one person may send again alone; 0: any.
    """

    name: str
    kind: Literal["fixed", "exponential", "exponential_full_jitter"] = "exponential_full_jitter"
    base_seconds: float = 1.0
    cap_seconds: float = 60.0
    horizon_seconds: float = 72 * 3600.0
    sale_wait_seconds: float = 0.0
    replay_alone: int = 0


class BreakerPolicy(msgspec.Struct, frozen=True):
    """When a target's circuit opens, and how long until each probe."""

    name: str
    failures: int = 5
    probe_seconds: tuple[float, ...] = (1, 2, 4, 8, 16, 32, 60)


class Store(msgspec.Struct, frozen=True):
    """One shop of the chain, from `stores.csv`. region: a group of shops, "" for none."""

    business_unit_id: str
    name: str
    time_zone: str
    country: str
    currency: str
    system: str
    registers: int = 1
    api_key_sha256: str = ""
    region: str = ""


class RuleSetting(msgspec.Struct, frozen=True):
    """How one audit rule is taken here. None and "" leave what the rule says by itself.

    tolerance: in the currency of what is compared. owner: who looks after its findings.
    """

    severity: Literal["error", "warn", "count", "off", ""] = ""
    tolerance: Decimal | None = None
    owner: str = ""


class PostingSetting(msgspec.Struct, frozen=True):
    """How store-days reach the ERP. erp: name of the system asked to book them.

    mode: store_day sums a day up, receipt books each receipt by itself, hybrid sums up all but the
    receipts that `single` picks, none books nothing. by_group: a sales line for each merchandise
    group beside each tax rate. reported_within_days: when the ERP must have reported a posting; 0
    when it reports none.
    """

    mode: Literal["none", "store_day", "receipt", "hybrid"] = "none"
    erp: str = ""
    by_group: bool = False
    single: Expression | None = None
    single_text: str = ""
    reported_within_days: int = 0


class ProcessorSetting(msgspec.Struct, frozen=True):
    """A payment provider whose payouts are matched with tenders and the bank.

    name: the `psp` of its messages. tender_types: tenders that its entries must answer, for the
    shops of these systems (none named: all). within_days: how long after the business date its
    payout, and after that the bank's credit, may take.
    """

    name: str
    tender_types: tuple[str, ...] = ("credit", "debit")
    systems: tuple[str, ...] = ()
    within_days: int = 3
    bank_within_days: int = 3
    bank: str = ""


class Reconciliation(msgspec.Struct, frozen=True):
    """`recon/store-day.toml`: how store-days are audited, balanced, approved and posted.

    cut_off: local time of the shop on the day after the business date, from which on a day that is
    not complete is an exception. closed: dates without trade, for all shops under "" or by business
    unit; weekdays_closed: 0 is Monday. approve: policy releases a balanced day by itself, or a
    person does. deposit_bank: system whose statement must show the cash deposits, "" for none.
    over_short: as the till declares it, counted less what it expects, or computed from receipts
    and movements. gap_grace_seconds: a missing number is shown once the one after it is here for
    that long. cut_offs: by business unit, where it is not cut_off. currencies, workstations: by
    business unit, or "" for all shops. tax_included: country -> whether prices contain tax.
    smallest_coin: currency -> what cash is rounded to. tax_codes: rates the ERP has a tax code for,
    None where nobody says so.
    """

    cut_off: time = time(4)
    approve: Literal["policy", "person"] = "policy"
    balance_by: Literal["store", "workstation", "operator"] = "workstation"
    oldest_days: int = 30
    period_closed_until: date | None = None
    closed: Mapping[str, frozenset[date]] = msgspec.field(default_factory=dict)
    weekdays_closed: Mapping[str, frozenset[int]] = msgspec.field(default_factory=dict)
    tax_rates: Mapping[str, tuple[Decimal, ...]] = msgspec.field(default_factory=dict)
    """Country -> the rates in force there; a country that is not named is not checked."""
    rules: Mapping[str, RuleSetting] = msgspec.field(default_factory=dict)
    posting: PostingSetting = PostingSetting()
    processors: Mapping[str, ProcessorSetting] = msgspec.field(default_factory=dict)
    deposit_bank: str = ""
    deposit_within_days: int = 3
    over_short: Literal["declared", "expected", "computed"] = "declared"
    gap_grace_seconds: float = 60.0
    cut_offs: Mapping[str, time] = msgspec.field(default_factory=dict)
    workstations: Mapping[str, frozenset[str]] = msgspec.field(default_factory=dict)
    currencies: Mapping[str, frozenset[str]] = msgspec.field(default_factory=dict)
    tax_included: Mapping[str, bool] = msgspec.field(default_factory=dict)
    smallest_coin: Mapping[str, Decimal] = msgspec.field(default_factory=dict)
    tax_codes: frozenset[str] | None = None


BY_CORES = -1
"""As many workers as the machine has cores, and none on a machine with one."""


class HubSettings(msgspec.Struct, frozen=True):
    """`tillway.toml`: the hub itself. journal is a path relative to the project folder.

    intake_workers: processes that prepare batches; 0 leaves it to the hub's own process. The
    `_days` say how long payloads, rows of duplicates and records of calls are kept once nothing is
    left to do about them; 0 keeps them for ever. otlp_endpoint: a collector of OpenTelemetry, ""
    for none; trace_percent of all traces go there. log: how `tillway run` writes what happens.
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
    otlp_endpoint: str = ""
    otlp_authorization: str = ""
    trace_percent: float = 10.0
    log: Literal["text", "json"] = "text"
    origins: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Where each value came from (file, env file, environment, --set), for `doctor`."""


class Release(msgspec.Struct, frozen=True):
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
    reconciliation: Reconciliation | None = None
    """None for a project without `recon/store-day.toml`."""
    watch: WatchSettings = msgspec.field(default_factory=WatchSettings)
