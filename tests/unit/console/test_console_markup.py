"""A thousand payloads that would run, through every field of a message: none is markup."""

from __future__ import annotations

import itertools
from html.parser import HTMLParser
from urllib.parse import quote

import msgspec
import pytest

from operating_world import RecordedOperations, call, release
from tillway.api import Snapshot
from tillway.clock import ManualClock
from tillway.console import console_app, render
from tillway.journal.base import AttemptRow, Settlement, TargetState
from tillway.journal.memory import MemoryJournal
from tillway.observe import problems
from tillway.testing.journal import ROUTE, candidate, invalid, row

COUNT = 1_000
TOGETHER = 10
"""So many payloads stand in a field at once: those of one kind, so that none hides another."""
MARK = "xss7"
WRAPS = (
    "<script>{0}</script>",
    "<img src=x onerror={0}>",
    "<svg/onload={0}>",
    '"><b onmouseover={0}>',
    "' autofocus onfocus={0} x='",
    '" autofocus onfocus={0} x="',
    "<iframe srcdoc='<script>{0}</script>'>",
    "</pre><script>{0}</script>",
    "</title><script>{0}</script>",
    "</textarea><script>{0}</script>",
    "</option></select><img src=x onerror={0}>",
    "<a href=javascript:{0}>x</a>",
    "{{{{ {0} }}}}",
    "{{% if {0} %}}",
    "%({0})s<script>{0}</script>",
    "&lt;script&gt;{0}<script>",
    "<style>@import '{0}'</style>",
    "<math><mi xlink:href=javascript:{0}>",
    "<!--<script>{0}</script>-->",
    "<ScRiPt\t>{0}</sCrIpT>",
)
CALLS = (f"{MARK}(1)", f"window.{MARK}=1", f"top['{MARK}']=1", f"{MARK}`1`", f"eval('{MARK}')")
TAILS = ("", " ", "\u202e", "\u0000", "\n", "ı", "<", "'", '"', "`")


def payloads() -> list[str]:
    """Return a thousand different ones."""
    made = [
        wrap.format(called) + tail for wrap, called, tail in itertools.product(WRAPS, CALLS, TAILS)
    ]
    return made[:COUNT]


class _Markup(HTMLParser):
    """Notes what of a page would run."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[str] = []

    def handle_starttag(self, tag, attrs):
        """Note elements and attributes that bear the mark, and addresses that are scripts."""
        for name, value in attrs:
            if name.startswith("on") or (value or "").strip().lower().startswith("javascript:"):
                self.runs.append(f"{tag} {name}")
            if MARK in name:
                self.runs.append(f"{tag} {name}")
        if tag in ("iframe", "object", "embed", "math", "style", "base"):
            self.runs.append(tag)
        if tag == "script" and not any(name == "src" for name, _ in attrs):
            self.runs.append(tag)


def running_parts(page: str) -> list[str]:
    """Return what of a page would run."""
    parser = _Markup()
    parser.feed(page)
    return parser.runs


async def journal_of(text: str) -> MemoryJournal:
    """Return a journal in which every field that a sender or a target fills holds the text."""
    journal = MemoryJournal()
    await journal.append([candidate(number, store=text) for number in (1, 2)])
    copy = invalid(7)
    copy.raw, copy.natural_key, copy.store = text.encode(), text, text
    copy.violations = render_violations(text)
    await journal.append([copy])
    await journal.register_route(ROUTE, 0)
    refused = {"code": "TW-4105", "first_at": 9}
    rows = [row(1, target_reference=text), row(2, "dead", detail=text, **refused)]
    attempt = AttemptRow(ROUTE, 2, 1, 1, 2, "permanent", "TW-4105", text)
    await journal.settle(Settlement(ROUTE, rows=rows, attempts=[attempt], cursor=2))
    await journal.save_target_state(TargetState("erp", "open", 5, 6, 9, "TW-4106", text))
    return journal


def render_violations(text: str) -> bytes:
    """Return violations whose every field is the text."""
    return msgspec.json.encode([{"path": text, "rule": "code", "value": text, "expected": text}])


async def pages_of(text: str) -> list[str]:
    """Return every page that shows a field of a message."""
    journal = await journal_of(text)
    clock = ManualClock(1_700_000_600_000_000)
    known = release()
    app = console_app(
        reader=journal,
        release=known,
        snapshot=Snapshot(journal, known, clock),
        operations=RecordedOperations(),
        clock=clock,
    )
    groups = [one.group for one in await problems(journal, {"pos-to-erp": "erp"})]
    paths = ["/", "/stores", "/stuck", "/problems", "/trace/1", "/trace/2", "/traffic"]
    paths += [f"/problems/{group}" for group in groups]
    paths += [f"/find?q={quote(text)}", "/find?q=%231", f"/stores/{quote(text, safe='')}"]
    return [(await call(app, path)).text for path in paths]


@pytest.mark.parametrize("first", range(0, COUNT, COUNT // 10))
async def test_a_thousand_payloads_are_text(first: int) -> None:
    """Through every field, on every page that shows one, nothing of them would run."""
    for start in range(first, first + COUNT // 10, TOGETHER):
        text = " ".join(payloads()[start : start + TOGETHER])
        for page in await pages_of(text):
            assert running_parts(page) == [], text


async def test_without_escaping_they_would_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Positive control: with escaping off the same pages are found to run them."""
    real = render.Environment

    def careless(**options):
        return real(**{**options, "autoescape": False})

    monkeypatch.setattr(render, "Environment", careless)
    render._environment.cache_clear()
    try:
        text = " ".join(payloads()[:TOGETHER])
        found = [running_parts(page) for page in await pages_of(text)]
    finally:
        render._environment.cache_clear()
    assert any(found)


def test_there_are_a_thousand() -> None:
    """As many as were promised, no two the same."""
    assert len(set(payloads())) == COUNT
