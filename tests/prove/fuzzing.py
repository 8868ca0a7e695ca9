"""Every parser as a function that must answer any input, and inputs near enough to what it reads.

Surprising: inputs are made by cutting and pasting bytes of the project's own samples, without a
framework between; a million of them may cost no more than reading them.
"""

from __future__ import annotations

import io
import json
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any

from property.test_formats_fuzz import FORMATS, SEEDS
from tillway.assembly.preparing import message_ids, preparations
from tillway.clock import SystemClock
from tillway.connect import Submission
from tillway.dialects import dialect_named, dialect_names
from tillway.errors import ContractViolation, code_record
from tillway.formats import Record, Unreadable, format_named
from tillway.intake import Preparation
from tillway.project import load_release
from tillway.project.template import Variables, new_project

SMALL_BYTES, LARGE_BYTES = 512, 4096
SMALL_TREE = 1500
"""Characters of a tree, written out, that stands for a short input of a dialect."""
HTTP = "http body"
TEMPLATE = Path(new_project.__code__.co_filename).parent / "templates" / "pos-erp" / "mappings"
TOKENS = (
    *(letter.encode() for letter in "<>&\"'{}[],:;\\\n\r\0"),
    *(b"<!DOCTYPE x>", b"<![CDATA[", b"]]>", b"<!--", b"&#x0;", b"<r>", b"</r>", b"&lt;"),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"NaN", b"1e999", b"-0", b"\\ud800", b'"a":'),
    *(b"9" * 40, b" " * 30, b"[" * 70, b"null", b"true", b'"\\u0000"', b":61:", b":86:", b"\r\n:"),
)
PLAIN = [bytes([one]) for one in b"0123456789abcXYZ .-"]
LEAVES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 10**30, 1.5, "", "x", "1.50", "-0.00", "9" * 40, "true", "\ud800"),
    *("2026-02-30", "2026-11-20T25:00:00", "Infinity", [], {}, [[]], [{}], {"#text": "1.00"}),
)
NAMES = (
    *("LineItem", "Sale", "Return", "Tender", "Tax", "Amount", "Quantity", "Total", "Rounding"),
    *("TenderChange", "TransactionLink", "LoyaltyReward", "@VoidFlag", "@CancelFlag", "#text", ""),
    *("RetailTransaction", "ControlTransaction", "TenderControlTransaction", "SequenceNumber"),
)
Read = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Parser:
    """One parser. read: answers one input, or raises; small, large: make one from a generator."""

    name: str
    read: Read
    small: Callable[[Random], Any]
    large: Callable[[Random], Any]


def parser_names() -> list[str]:
    """Return every parser: formats with their variants, dialects, and the way of an HTTP body."""
    return [*FORMATS, *(f"dialect {name}" for name in dialect_names()), HTTP]


@cache
def parser(name: str) -> Parser:
    """Return one parser, made once in this process."""
    if name.startswith("dialect "):
        return _dialect(name)
    if name == HTTP:
        return _of_bytes(name, _http_body(), _more_samples("ndjson"))
    plain = name.partition("-")[0]
    return _of_bytes(name, _reader(plain, FORMATS[name]), [*SEEDS[name], *_more_samples(name)])


def reads_whole(name: str, content: bytes) -> bool:
    """Say whether a format reads an input without a refusal."""
    form = format_named(name.partition("-")[0], FORMATS[name])
    return all(isinstance(one, Record) for one in form.records(io.BytesIO(content)))


def mutated(rng: Random, content: bytes, samples: Sequence[bytes], times: int) -> bytes:
    """Return content with pieces cut out, doubled, overwritten, or taken from another sample."""
    for _ in range(times):
        place = int(rng.random() * (len(content) + 1))
        what = int(rng.random() * 7)
        if what > 4:
            # What stays readable goes deepest into a parser.
            letter = PLAIN[int(rng.random() * len(PLAIN))]
            content = content[:place] + letter + content[place + 1 :]
            continue
        if what == 0:
            piece = TOKENS[int(rng.random() * len(TOKENS))]
        elif what == 1:
            piece = rng.randbytes(3)
        elif what == 2:
            piece = content[place : place + 40] * 2
        elif what == 3:
            other = samples[int(rng.random() * len(samples))]
            start = int(rng.random() * len(other))
            piece = other[start : start + 60]
        else:
            piece = b""
        content = content[:place] + piece + content[place + int(rng.random() * 12) :]
    return content


def mutated_tree(rng: Random, tree: Any, depth: int = 0) -> Any:
    """Return a tree in which something on one way down was changed; the one given stays."""
    if not isinstance(tree, dict | list) or not tree or rng.random() < 0.15 * depth:
        return _other(rng, tree)
    if isinstance(tree, list):
        place = int(rng.random() * len(tree))
        return [*tree[:place], mutated_tree(rng, tree[place], depth + 1), *tree[place + 1 :]]
    name = rng.choice(list(tree))
    if rng.random() < 0.1:
        return {**tree, rng.choice(NAMES): rng.choice(LEAVES)}
    return {**tree, name: mutated_tree(rng, tree[name], depth + 1)}


def _other(rng: Random, value: Any) -> Any:
    what = int(rng.random() * 4)
    if what == 0:
        return [value, value]
    if what == 1:
        return {rng.choice(NAMES): value}
    return rng.choice(LEAVES)


def _of_bytes(name: str, read: Read, samples: list[bytes]) -> Parser:
    short = [sample for sample in samples if len(sample) <= SMALL_BYTES] or [
        sample[:SMALL_BYTES] for sample in samples
    ]

    def small(rng: Random) -> bytes:
        sample = short[int(rng.random() * len(short))]
        return mutated(rng, sample, samples, 1 + int(rng.random() * 3))[:SMALL_BYTES]

    def large(rng: Random) -> bytes:
        sample = samples[int(rng.random() * len(samples))]
        times = rng.randint(1, max(1, LARGE_BYTES // len(sample)))
        return mutated(rng, (sample * times)[:LARGE_BYTES], samples, 4)

    return Parser(name, read, small, large)


def _reader(name: str, options: dict[str, Any]) -> Read:
    form = format_named(name, options)

    def read(content: bytes) -> None:
        fatal = False
        for one in form.records(io.BytesIO(content)):
            if fatal:
                raise AssertionError("something was read after a fatal answer")
            if isinstance(one, Unreadable):
                if code_record(one.error.code) is None:
                    raise AssertionError(f"{one.error.code} has no record")
                fatal = one.fatal
            else:
                form.encode(one.value)

    return read


def _dialect(name: str) -> Parser:
    dialect = dialect_named(name.removeprefix("dialect "))
    whole = _trees(dialect.name)
    trees = [tree for tree in whole if len(repr(tree)) <= SMALL_TREE] or whole

    def read(tree: Any) -> None:
        try:
            record = dialect.normalise(tree)
        except ContractViolation as breach:
            if not breach.violations:
                raise AssertionError("a refusal that lists nothing") from breach
        else:
            if not isinstance(record, dict):
                raise TypeError("a record is a dictionary")

    def small(rng: Random) -> Any:
        tree = trees[int(rng.random() * len(trees))]
        for _ in range(1 + int(rng.random() * 3)):
            tree = mutated_tree(rng, tree)
        return tree if isinstance(tree, dict) else {"RetailTransaction": tree}

    def large(rng: Random) -> Any:
        tree = mutated_tree(rng, whole[int(rng.random() * len(whole))])
        body = tree.get("RetailTransaction") if isinstance(tree, dict) else None
        lines = body.get("LineItem") if isinstance(body, dict) else None
        if isinstance(lines, list):
            lines = (lines * 40)[: 10 + int(rng.random() * 60)]
            return {**tree, "RetailTransaction": {**body, "LineItem": lines}}
        return tree if isinstance(tree, dict) else {"RetailTransaction": tree}

    return Parser(name, read, small, large)


def _trees(dialect: str) -> list[dict[str, Any]]:
    """Return trees as the format before a dialect gives them."""
    if dialect == "adyen-settlement":
        options: dict[str, Any] = {"group_by": ["Batch Number"], "gather": True}
        paths = sorted(TEMPLATE.glob("paywell-payout.tests/*.in"))
        form = format_named("csv", options)
    else:
        data = Path(__file__).parents[1] / "data" / "poslog"
        paths = [*sorted(data.glob("*.xml")), *sorted(TEMPLATE.glob("poslog-*.tests/*.in"))]
        form = format_named("poslog", {})
    found: list[dict[str, Any]] = []
    for path in paths:
        records = form.records(io.BytesIO(path.read_bytes()))
        found += [one.value for one in records if isinstance(one, Record)]
    return found or [{"RetailTransaction": {"LineItem": [{"Sale": {}}]}}]


def _more_samples(name: str) -> list[bytes]:
    pattern = {"json": "quayside", "ndjson": "quayside", "csv": "millrace", "poslog": "poslog"}
    start = pattern.get(name)
    paths = sorted(TEMPLATE.glob(f"{start}-*.tests/*.in")) if start else []
    samples = [path.read_bytes() for path in paths]
    if name == "ndjson":
        return [json.dumps(json.loads(sample)).encode() + b"\n" for sample in samples]
    return samples


def _http_body() -> Read:
    """Return the way of a body through the doors of the template, up to what is stored of it."""
    folder = Path(mkdtemp(prefix="fuzz-")) / "project"
    new_project(folder, "pos-erp", Variables("fuzz", 0, 1), secrets.token_bytes)
    release = load_release(folder, environ=os.environ)
    door: Preparation = preparations(release, SystemClock(), message_ids())["quayside"]

    def read(content: bytes) -> None:
        kind = "ndjson" if len(content) % 2 else ""
        for taken in door.taken(Submission(content, "0002", format=kind)):
            if taken.error is not None and code_record(taken.error["code"]) is None:
                raise AssertionError(f"{taken.error['code']} has no record")

    return read
