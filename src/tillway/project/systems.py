"""Reads `systems/<name>.toml`: an outside system that sends (`[source]`) or takes (`[target]`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tillway.mapping import CodeTable, compile_condition
from tillway.model.sequence import reset_policy
from tillway.project.documents import Document
from tillway.project.policies import STANDARD
from tillway.project.problems import Problems
from tillway.project.reading import TableReader
from tillway.project.records import Masking, RecordSelector, SourceRecord, TargetRecord
from tillway.security.masking_rules import masking_lists
from tillway.spelling import nearest

DELIVERY_CLASSES = ("A", "B", "C", "D")
SEQUENCE_SCOPE = ("business_unit_id", "workstation_id")
SEQUENCE_FIELDS = ("business_unit_id", "workstation_id", "business_date", "register_epoch")


class SystemReader:
    """Reads one system. codes are the code tables its selectors may use."""

    def __init__(
        self, name: str, document: Document, problems: Problems, codes: Mapping[str, CodeTable]
    ) -> None:
        self._name = name
        self._problems = problems
        self._codes = codes
        self._top = TableReader(document, problems)
        self.source = self._top.table("source")
        self.target = self._top.table("target")

    def read(self) -> tuple[SourceRecord | None, TargetRecord | None]:
        """Return what the file declares; vendor, name and currency are there for people."""
        for free in ("vendor", "name", "currency"):
            self._top.text(free)
        self._top.done()
        if self.source is None and self.target is None:
            self._top.note("", "TW-1104", "a system has a [source] or a [target]")
        source = self._source(self.source) if self.source else None
        target = self._target(self.target) if self.target else None
        return source, target

    def _source(self, reader: TableReader) -> SourceRecord:
        sequence = self._sequence(reader.table("sequence"))
        record = SourceRecord(
            system=self._name,
            connector=reader.required_text("connector"),
            format=reader.required_text("format"),
            format_options=reader.free("format_options"),
            dialect=reader.text("dialect", "none"),
            settings=reader.free("settings"),
            records=tuple(self._selector(one) for one in reader.tables("records")),
            contract_version=reader.whole("contract_version", 1, minimum=1),
            masking=self._masking(reader.table("masking")),
            **sequence,
        )
        if not record.records:
            reader.note("records", "TW-1214", "no record of this source has a mapping table")
        reader.done()
        return record

    def _masking(self, reader: TableReader | None) -> Masking:
        if reader is None:
            return Masking()
        lists = reader.texts("lists")
        for name in lists:
            if name not in masking_lists():
                advice = f"{nearest(name, masking_lists())}Known: {', '.join(masking_lists())}."
                reader.note("lists", "TW-8202", f'there is no masking list "{name}"', advice)
        masking = Masking(lists, reader.texts("drop"), reader.texts("item_fields"))
        reader.done()
        return masking

    def _selector(self, reader: TableReader) -> RecordSelector:
        text = reader.text("when", "True")
        file, line = reader.document.at((*reader.path, "when"))
        condition: Any = None
        with self._problems.collect(reader.document, (*reader.path, "when")):
            condition = compile_condition(text, codes=self._codes, where=f"{file}:{line}")
        selector = RecordSelector(condition, text, reader.required_text("mapping"))
        reader.done()
        return selector

    def _sequence(self, reader: TableReader | None) -> dict[str, Any]:
        if reader is None:
            return {}
        scope = reader.texts("scope", SEQUENCE_SCOPE)
        for field in scope:
            if field not in SEQUENCE_FIELDS:
                allowed = ", ".join(SEQUENCE_FIELDS)
                reader.note("scope", "TW-1103", f'"{field}" is not one of {allowed}')
        reset = reader.text("reset", "never")
        if not _is_reset(reset):
            wrong = f'`reset` is never, daily, none or wrap_at_N, not "{reset}"'
            reader.note("reset", "TW-1103", wrong)
        reader.done()
        return {"sequence_scope": scope, "sequence_reset": reset}

    def _target(self, reader: TableReader) -> TargetRecord:
        limits = reader.table("limits")
        delivery_class: Any = reader.choice("delivery_class", DELIVERY_CLASSES, "D")
        reader.require("delivery_class")
        record = TargetRecord(
            system=self._name,
            connector=reader.required_text("connector"),
            delivery_class=delivery_class,
            settings=reader.free("settings"),
            rate_per_second=limits.number("rate_per_second", 0.0) if limits else 0.0,
            concurrency=limits.whole("concurrency", 8, minimum=1) if limits else 8,
            breaker=reader.text("breaker", STANDARD),
            settle_seconds=reader.number("settle_seconds", 30.0),
        )
        if limits:
            limits.done()
        reader.done()
        return record


def _is_reset(text: str) -> bool:
    """Say whether a counter can start again like this; `none` is a source that numbers nothing."""
    try:
        return text == "none" or bool(reset_policy(text))
    except ValueError:
        return False
