"""One record on its way to the journal: mask, normalise, map, identify, check the contract.

The order is fixed (rulings 1): masking comes before anything that could be written, the natural key
before the contract, so that a quarantined number is not a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from tillway.clock import Clock
from tillway.contracts import Contract, shape_violations
from tillway.dialects import dialect_named
from tillway.errors import ContractViolation, Violation, shown
from tillway.formats import Record, format_named
from tillway.intake.enveloping import Identity, envelope_of, identity_of, readable_identity
from tillway.journal.base import AppendItem, Candidate, Invalid
from tillway.mapping import MappingTable
from tillway.message import compact_hash, content_hash, record_hash
from tillway.model import Finding, MessageType, message_type
from tillway.project.records import Release, SourceRecord
from tillway.security.masking import Masker

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class _Translation:
    """One way a record of this source becomes a message."""

    when: Callable[[Mapping[str, Any]], Any]
    table: MappingTable
    kind: MessageType
    contract: Contract


class Pipeline:
    """Everything that turns one record of a source into an item for the journal.

    new_id gives 32 hex digits per message. Raises nothing for bad input: the item says it.
    """

    def __init__(
        self,
        source: SourceRecord,
        release: Release,
        masker: Masker,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self.system = source.system
        self.format = format_named(source.format, source.format_options)
        self.batch_options = {k: v for k, v in source.format_options.items() if k != "items"}
        self._dialect = dialect_named(source.dialect)
        self._writes_json = self.format.name in {"json", "ndjson"}
        self._masker = masker
        self._clock = clock
        self._new_id = new_id
        self._release = release.digest
        self._stores = release.stores
        self._translations = [_translation(selector, release) for selector in source.records]

    def take(self, record: Record, *, door: str, store: str = "", trace_id: str = "") -> AppendItem:
        """Return the journal item of one record that came through a door.

        store is the business unit the sender proved to be, "" when the door serves many.
        """
        record, rewritten = self._masked(record)
        draft = _Draft(door, record.raw, b"", trace_id)
        try:
            neutral = self._dialect.normalise(record.value)
        except ContractViolation as breach:
            draft.record_hash = record_hash(record.value)
            return self._invalid(draft, breach)
        volatile = self._dialect.volatile
        if record.compact and neutral is record.value and not volatile:
            draft.record_hash = compact_hash(record.compact)
        else:
            draft.record_hash = record_hash(neutral, volatile)
        neutral = self._with_time_zone(neutral)
        translation = self._select(neutral)
        if translation is None:
            return self._invalid(draft, _no_mapping(neutral))
        try:
            message = translation.table.message(neutral)
        except ContractViolation as breach:
            traces = translation.table.explain(neutral)
            readable = {trace.path: trace.result for trace in traces if not trace.fault}
            identity = readable_identity(self.system, translation.kind, readable)
            return self._invalid(draft, breach, identity)
        except msgspec.ValidationError as error:
            canonical = translation.table.apply(neutral)
            identity = readable_identity(self.system, translation.kind, canonical)
            return self._invalid(draft, _misshapen(translation.kind, canonical, error), identity)
        return self._checked(draft, translation, message, store, rewritten)

    def _masked(self, record: Record) -> tuple[Record, bool]:
        """Return the record as it may be kept, and whether its bytes were rewritten for that."""
        text = record.raw if record.compact else None
        tree, changed = self._masker.mask(record.value, text)
        if not changed:
            return record, False
        raw = self.format.encode(tree)
        compact = raw if record.compact and self._writes_json else b""
        return Record(raw, tree, record.offset, record.line, compact), True

    def _with_time_zone(self, neutral: dict[str, Any]) -> dict[str, Any]:
        """Add the zone of the store for tills whose clock has no offset; it is never hashed."""
        store = self._stores.get(neutral.get("business_unit_id", ""))
        if store is None or "time_zone" in neutral:
            return neutral
        return {**neutral, "time_zone": store.time_zone}

    def _select(self, neutral: Mapping[str, Any]) -> _Translation | None:
        for translation in self._translations:
            if translation.when(neutral):
                return translation
        return None

    def _checked(
        self,
        draft: _Draft,
        translation: _Translation,
        message: Any,
        store: str,
        rewritten: bool,
    ) -> AppendItem:
        identity = identity_of(self.system, translation.kind, message)
        breaches = translation.contract.violations(message)
        breaches += self._store_breaches(identity.store, store)
        if breaches:
            return self._invalid(draft, _contract_broken(translation.kind, breaches), identity)
        canonical = translation.kind.encode(message)
        envelope = envelope_of(
            translation.kind,
            message,
            identity,
            system=self.system,
            door=draft.door,
            message_id=self._new_id(),
            trace_id=draft.trace_id,
            received_at=self._clock.now(),
            release=self._release,
        )
        return Candidate(
            envelope=envelope,
            key_digest=identity.digest,
            record_hash=draft.record_hash,
            content_hash=content_hash(canonical),
            raw=draft.raw,
            canonical=canonical,
            findings=_findings(translation.contract.findings(message)),
            raw_rewritten=rewritten,
        )

    def _store_breaches(self, named: str, proved: str) -> list[Violation]:
        if proved and named and named != proved:
            expected = f"{proved}, the store this key belongs to"
            return [Violation("business_unit_id", "foreign_store", shown(named), expected)]
        if named and self._stores and named not in self._stores:
            expected = "a store of stores.csv; add it there, then send again"
            return [Violation("business_unit_id", "UNKNOWN_STORE", shown(named), expected)]
        return []

    def _invalid(
        self, draft: _Draft, breach: ContractViolation, identity: Identity | None = None
    ) -> Invalid:
        known = identity or Identity()
        return Invalid(
            door=draft.door,
            system=self.system,
            record_hash=draft.record_hash,
            raw=draft.raw,
            violations=_encode([violation.as_json() for violation in breach.violations]),
            code=breach.code,
            received_at=self._clock.now(),
            release=self._release,
            message_type=known.message_type,
            natural_key=known.natural_key,
            key_digest=known.digest,
            store=known.store,
            currency=known.currency,
            amount_minor=known.amount_minor,
        )


class _Draft(msgspec.Struct, gc=False):
    door: str
    raw: bytes
    record_hash: bytes
    trace_id: str


def _translation(selector: Any, release: Release) -> _Translation:
    table = release.mappings[selector.mapping]
    assert table.message_type is not None, "project.load refuses a target table here"
    kind = message_type(table.message_type)
    return _Translation(selector.when, table, kind, release.contracts[kind.name])


def _findings(found: tuple[Finding, ...]) -> bytes:
    return _encode(found) if found else b""


def _no_mapping(neutral: Mapping[str, Any]) -> ContractViolation:
    names = ", ".join(list(neutral)[:8])
    breach = Violation("", "no_mapping", "", f"a [[source.records]] whose `when` is true ({names})")
    return ContractViolation("TW-2105", "no mapping table takes this record", [breach])


def _misshapen(
    kind: MessageType, canonical: dict[str, Any], error: msgspec.ValidationError
) -> ContractViolation:
    breaches = shape_violations(kind.name, canonical) or [Violation("", "shape", "", str(error))]
    return _contract_broken(kind, breaches)


def _contract_broken(kind: MessageType, breaches: list[Violation]) -> ContractViolation:
    fields = "1 field is" if len(breaches) == 1 else f"{len(breaches)} fields are"
    return ContractViolation("TW-2104", f"{fields} wrong in {kind.name}", breaches)
