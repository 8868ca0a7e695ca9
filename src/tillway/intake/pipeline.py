"""Records on their way to the journal: mask, normalise, map, identify, check the contract.

The order is fixed (rulings 1): masking comes before anything that could be written, the natural key
before the contract, so that a quarantined number is not a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from tillway.clock import Clock
from tillway.contracts import Contract, shape_violations
from tillway.dialects import dialect_named
from tillway.errors import ContractViolation, Violation, shown
from tillway.formats import Format, Record, format_named
from tillway.intake.enveloping import Identity, envelope_of, identity_of, readable_identity
from tillway.journal.base import AppendItem, Candidate, Invalid
from tillway.mapping import MappingTable
from tillway.message import compact_hash, content_hash, record_hash
from tillway.model import Finding, MessageType, message_type
from tillway.project.records import Release, SourceRecord
from tillway.security.masking import Masker

_encode = msgspec.json.Encoder().encode


class _Translation(msgspec.Struct, frozen=True):
    """One way a record of this source becomes a message."""

    when: Callable[[Mapping[str, Any]], Any]
    table: MappingTable
    kind: MessageType
    contract: Contract


class Arrival(NamedTuple):
    """A record that came through a door, and who sent it.

    store is the business unit the sender proved to be, "" when the door serves many.
    """

    record: Record
    store: str = ""
    trace_id: str = ""


class Draft(msgspec.Struct, gc=False):
    """A record on its way, and what each stage found out; item is what it became in the end."""

    record: Record
    store: str
    trace_id: str
    door: str
    rewritten: bool = False
    neutral: dict[str, Any] = {}
    record_hash: bytes = b""
    translation: _Translation | None = None
    message: Any = None
    identity: Identity = Identity()
    canonical: bytes = b""
    findings: bytes = b""
    item: AppendItem | None = None


class Pipeline:
    """Everything that turns records of a source into items for the journal.

    Surprising: it goes stage by stage, not record by record. A stage is little enough code to stay
    in the processor's nearest cache while all records of a group pass it.

    new_id gives 32 hex digits per message. Raises nothing for bad input: the item says it. stages
    are what a draft passes, in their order; one that sets its item ends its way.
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
        self.format = format_named(source.format, source.format_options, masker.may_stay)
        self._batch_options = {k: v for k, v in source.format_options.items() if k != "items"}
        self._dialect = dialect_named(source.dialect)
        self._writes_json = self.format.name in {"json", "ndjson"}
        self._masker = masker
        self._clock = clock
        self._new_id = new_id
        self._release = release.digest
        self._stores = release.stores
        self._translations = [_translation(selector, release) for selector in source.records]
        self.stages = (
            self._mask,
            self._normalise,
            self._choose,
            self._map,
            self._identify,
            self._check,
            self._write,
            self._audit,
            self._finish,
        )

    def take(self, arrivals: Sequence[Arrival], *, door: str) -> list[AppendItem]:
        """Return the journal items of records that came through a door, in order."""
        drafts = [Draft(record, store, trace_id, door) for record, store, trace_id in arrivals]
        going = drafts
        for stage in self.stages:
            for draft in going:
                stage(draft)
            going = [draft for draft in going if draft.item is None]
        return [draft.item for draft in drafts if draft.item is not None]

    def batch_format(self, name: str) -> Format:
        """Return what reads a batch of this source that says it is of another format."""
        return format_named(name, self._batch_options, self._masker.may_stay)

    # --- the stages, in their order ---

    def _mask(self, draft: Draft) -> None:
        record = draft.record
        text = record.raw if record.compact else None
        tree, changed = self._masker.mask(record.value, text, plain_below=record.plain)
        if changed:
            raw = self.format.encode(tree)
            compact = raw if record.compact and self._writes_json else b""
            draft.record = Record(raw, tree, record.offset, record.line, compact)
            draft.rewritten = True

    def _normalise(self, draft: Draft) -> None:
        record = draft.record
        try:
            neutral = self._dialect.normalise(record.value)
        except ContractViolation as breach:
            draft.record_hash = record_hash(record.value)
            self._quarantine(draft, breach)
            return
        volatile = self._dialect.volatile
        if record.compact and neutral is record.value and not volatile:
            draft.record_hash = compact_hash(record.compact)
        else:
            draft.record_hash = record_hash(neutral, volatile)
        # The zone of the store, for tills whose clock has no offset, is never hashed.
        shop = self._stores.get(neutral.get("business_unit_id", ""))
        if shop is not None and "time_zone" not in neutral:
            neutral = {**neutral, "time_zone": shop.time_zone}
        draft.neutral = neutral

    def _choose(self, draft: Draft) -> None:
        for translation in self._translations:
            if translation.when(draft.neutral):
                draft.translation = translation
                return
        self._quarantine(draft, _no_mapping(draft.neutral))

    def _map(self, draft: Draft) -> None:
        translation, neutral = draft.translation, draft.neutral
        assert translation is not None
        try:
            draft.message = translation.table.message(neutral)
        except ContractViolation as breach:
            traces = translation.table.explain(neutral)
            readable = {trace.path: trace.result for trace in traces if not trace.fault}
            draft.identity = readable_identity(self.system, translation.kind, readable)
            self._quarantine(draft, breach)
        except msgspec.ValidationError as error:
            canonical = translation.table.apply(neutral)
            draft.identity = readable_identity(self.system, translation.kind, canonical)
            self._quarantine(draft, _misshapen(translation.kind, canonical, error))

    def _identify(self, draft: Draft) -> None:
        assert draft.translation is not None
        draft.identity = identity_of(self.system, draft.translation.kind, draft.message)

    def _check(self, draft: Draft) -> None:
        assert draft.translation is not None
        breaches = draft.translation.contract.violations(draft.message)
        breaches += self._store_breaches(draft.identity.store, draft.store)
        if breaches:
            self._quarantine(draft, _contract_broken(draft.translation.kind, breaches))

    def _write(self, draft: Draft) -> None:
        assert draft.translation is not None
        draft.canonical = draft.translation.kind.encode(draft.message)

    def _audit(self, draft: Draft) -> None:
        assert draft.translation is not None
        draft.findings = _findings(draft.translation.contract.findings(draft.message))

    def _finish(self, draft: Draft) -> None:
        translation, identity = draft.translation, draft.identity
        assert translation is not None
        envelope = envelope_of(
            translation.kind,
            draft.message,
            identity,
            system=self.system,
            door=draft.door,
            message_id=self._new_id(),
            trace_id=draft.trace_id,
            received_at=self._clock.now(),
            release=self._release,
        )
        draft.item = Candidate(
            envelope=envelope,
            key_digest=identity.digest,
            record_hash=draft.record_hash,
            content_hash=content_hash(draft.canonical),
            raw=draft.record.raw,
            canonical=draft.canonical,
            findings=draft.findings,
            raw_rewritten=draft.rewritten,
        )

    # --- what is wrong with a record ---

    def _store_breaches(self, named: str, proved: str) -> list[Violation]:
        if proved and named and named != proved:
            expected = f"{proved}, the store this key belongs to"
            return [Violation("business_unit_id", "foreign_store", shown(named), expected)]
        if named and self._stores and named not in self._stores:
            expected = "a store of stores.csv; add it there, then send again"
            return [Violation("business_unit_id", "UNKNOWN_STORE", shown(named), expected)]
        return []

    def _quarantine(self, draft: Draft, breach: ContractViolation) -> None:
        known = draft.identity
        draft.item = Invalid(
            door=draft.door,
            system=self.system,
            record_hash=draft.record_hash,
            raw=draft.record.raw,
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
