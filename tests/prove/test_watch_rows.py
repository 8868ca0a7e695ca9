"""The rows on audit, fuzz and planted data can fail: each sees what it is there to see."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from prove import fuzzing, row_audit_chain, row_fuzz
from prove.fuzzing import Parser
from prove.planting import found_in, leaked, planted
from prove.proof import Job
from tillway.access import AuditVerdict, audit


def job(folder: Path) -> Job:
    """Return a job of the quick tier."""
    return Job("quick", folder, 1, 1, lambda _line: None)


def test_a_checker_that_looks_at_links_alone_fails_the_row_on_the_audit_chain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without checkpoints a rewritten or cut chain would hold."""
    monkeypatch.setitem(row_audit_chain.COUNTS, "quick", len(row_audit_chain.WAYS))
    assert row_audit_chain.prove(job(tmp_path / "good")).ok

    async def links_only(queries: Any, *_: Any) -> AuditVerdict:
        walk = await audit._walk(queries, ())
        findings = () if walk.broken is None else (walk.broken,)
        return AuditVerdict(walk.entries, 0, "", findings)

    monkeypatch.setattr(row_audit_chain, "check_audit", links_only)
    outcome = row_audit_chain.prove(job(tmp_path / "bad"))
    assert not outcome.ok
    for way in ("rewrite", "cut", "cut_with_checkpoints", "sign_anew", "lose_file"):
        assert f"'{way}'" in outcome.figure


def test_an_uncaught_error_fails_a_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any exception counts, and so does an input that takes too long."""

    def read(content: bytes) -> None:
        if b"<" in content:
            raise KeyError("no name")

    broken = Parser("broken", read, lambda _rng: b"<", lambda _rng: b"x")
    monkeypatch.setattr(row_fuzz, "parser", lambda _name: broken)
    found = row_fuzz.Found("broken", small=3, large=2)
    row_fuzz._throw(found, Random(1))
    assert len(found.wrong) == 3
    assert "KeyError" in found.wrong[0]


def test_work_that_grows_faster_than_the_input_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four times the input may take four times as long, not sixteen."""
    taken = {"square": 2, "straight": 1}
    power = 1

    def seconds(_read: object, content: bytes) -> float:
        return (len(content) / row_fuzz.SHORT_BYTES) ** power

    monkeypatch.setattr(row_fuzz, "_seconds", seconds)
    power = taken["straight"]
    assert row_fuzz.growth("json") == []
    power = taken["square"]
    assert len(row_fuzz.growth("json")) == len(row_fuzz.UNITS)


def test_inputs_are_near_what_a_parser_reads() -> None:
    """A fuzz of noise proves little: part of the inputs is read whole, part is refused."""
    rng = Random(4)
    form = fuzzing.parser("json")
    inputs = [form.small(rng) for _ in range(200)]
    read = sum(fuzzing.reads_whole("json", content) for content in inputs)
    assert 10 < read < 190
    assert max(map(len, inputs)) <= fuzzing.SMALL_BYTES


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_everything_planted_is_found_where_it_stands(encoding: str) -> None:
    """A card in any spelling, a track, a secret, a name: in any text and encoding."""
    rng = Random(9)
    for one in (planted(rng) for _ in range(200)):
        text = f"a {one.card}, b {one.track}; {one.secret}|{one.person}"
        assert one.keys <= found_in(text.encode(encoding))
        assert leaked([("here", text.encode(encoding))], one.keys) == {"here": 4}
    assert found_in(b"****1111 and psn:0123456789abcdef01234567") == set()
