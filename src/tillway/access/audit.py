"""Checks the audit chain against its signed checkpoints, and names the first place that is wrong.

Surprising: entries after the newest checkpoint are linked but not yet signed. That is what a crash
leaves, and no fault; the next start of the hub signs them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Protocol

import msgspec

from tillway.access.checkpoints import AuditFiles, Checkpoint, read_checkpoints
from tillway.access.signing_key import fingerprint, read_public
from tillway.journal.base import Action
from tillway.journal.chain import ORIGIN, AuditEntry, link
from tillway.journal.projection import Asking

ENTRIES_AT_ONCE = 1000

CHANGED, MISSING, CUT = "TW-8311", "TW-8312", "TW-8313"
REWRITTEN, FORGED, UNVOUCHED = "TW-8314", "TW-8315", "TW-8316"


class AuditFinding(msgspec.Struct, frozen=True):
    """One thing that is wrong. position: the first entry that it concerns."""

    code: str
    position: int
    text: str


class AuditVerdict(msgspec.Struct, frozen=True):
    """What was found. entries: how many there are; signed: how many a good checkpoint vouches for.

    key: fingerprint of the key that is trusted, "" without one; strangers: fingerprints of other
    keys under older checkpoints, as a journal has that was put back on another machine.
    """

    entries: int
    signed: int
    key: str
    findings: tuple[AuditFinding, ...] = ()
    strangers: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Say whether nothing is wrong."""
        return not self.findings

    @property
    def first_bad(self) -> int | None:
        """Return the first entry that cannot be relied on, None when all can."""
        return min((one.position for one in self.findings), default=None)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values, with whether it holds and the first bad entry."""
        return {**msgspec.structs.asdict(self), "holds": self.holds, "first_bad": self.first_bad}


class AuditReader(Asking, Protocol):
    """What is read of a journal."""

    async def audit_entries(self, after: int, limit: int) -> list[AuditEntry]:
        """Return entries after a number, in order."""
        ...


class _Walk(msgspec.Struct, frozen=True):
    """The chain as it stands: how far it is whole, how it breaks, its links where asked for."""

    whole: int
    entries: int
    broken: AuditFinding | None
    links: dict[int, bytes]


async def check_audit(
    journal: AuditReader, files: AuditFiles, trusted: Collection[bytes] = ()
) -> AuditVerdict:
    """Check every entry and every checkpoint; works beside a running hub and without one.

    trusted: public keys kept elsewhere; without them the one beside the journal is believed.
    """
    # The file first: what it says was in the journal before it was written.
    findings: list[AuditFinding] = []
    keys = tuple(trusted) or ((read_public(files.public_key),) if files.public_key.exists() else ())
    try:
        outside = files.read_checkpoint()
    except ValueError:
        outside = None
        text = f"{files.checkpoint.name} beside the journal is damaged"
        findings.append(AuditFinding(FORGED, 1, text))
    kept = await read_checkpoints(journal)
    walk = await _walk(journal, {one.count for one in kept})
    if outside is not None and outside.count not in walk.links:
        walk = await _walk(journal, {one.count for one in (*kept, outside)})
    judged = _Judge(walk, keys)
    for checkpoint in kept:
        judged.judge(checkpoint)
    if keys:
        judged.judge_newest(kept, outside, files.checkpoint.name, damaged=bool(findings))
    if walk.broken is not None:
        findings.append(_with_doubt(walk.broken, judged.vouched))
    findings += judged.findings
    return AuditVerdict(
        walk.entries,
        min(judged.vouched, walk.whole),
        ", ".join(map(fingerprint, keys)),
        tuple(sorted(findings, key=lambda one: one.position)),
        tuple(sorted(judged.strangers)),
    )


class _Judge:
    """Holds checkpoints, in their order, against the chain as it stands."""

    def __init__(self, walk: _Walk, keys: Sequence[bytes]) -> None:
        self.findings: list[AuditFinding] = []
        self.strangers: set[str] = set()
        self.vouched = 0
        self._walk = walk
        self._keys = keys

    def judge(self, checkpoint: Checkpoint) -> None:
        """Note what is wrong with one checkpoint, or that it vouches for the chain up to it."""
        if not self._is_known(checkpoint):
            return
        count, walk = checkpoint.count, self._walk
        found = walk.links.get(count, ORIGIN if count == 0 else None)
        if found == checkpoint.head:
            if checkpoint.key in self._keys:
                self.vouched = max(self.vouched, count)
        elif count > walk.entries:
            if walk.broken is None:
                gone = AuditFinding(CUT, walk.entries + 1, _gone(walk.entries + 1, count))
                self.findings.append(_with_doubt(gone, self.vouched))
        elif found is not None:
            first = self.vouched + 1
            self._find(REWRITTEN, first, f"{_span(first, count)} not what was signed")

    def judge_newest(
        self, kept: Sequence[Checkpoint], outside: Checkpoint | None, name: str, *, damaged: bool
    ) -> None:
        """Compare the newest checkpoint of the journal with the one outside it."""
        newest = kept[-1] if kept else None
        if outside is None:
            if not damaged and (newest is not None or self._walk.entries):
                first = self.vouched + 1 if newest is None else newest.count
                self._find(UNVOUCHED, max(1, first), f"{name} beside the journal is gone")
            return
        self.judge(outside)
        if newest is None or newest.count < outside.count:
            text = f"the journal has lost its checkpoint after entry {outside.count}"
            self._find(UNVOUCHED, max(1, outside.count), text)
        if newest is not None and newest.key not in self._keys:
            text = f"the newest checkpoint is signed with {newest.signer}, which is not trusted"
            self._find(FORGED, self.vouched + 1, text)

    def _is_known(self, checkpoint: Checkpoint) -> bool:
        if not checkpoint.is_genuine:
            text = f"the checkpoint after entry {checkpoint.count} has no good signature"
            self._find(FORGED, max(1, checkpoint.count), text)
            return False
        if checkpoint.key not in self._keys:
            self.strangers.add(checkpoint.signer)
        return True

    def _find(self, code: str, position: int, text: str) -> None:
        finding = AuditFinding(code, position, text)
        if finding not in self.findings:
            self.findings.append(finding)


async def _walk(journal: AuditReader, wanted: Collection[int]) -> _Walk:
    """Follow the chain to its end or to where it breaks."""
    whole = number = 0
    before, broken = ORIGIN, None
    links: dict[int, bytes] = {}
    while entries := await _entries(journal, number):
        for entry in entries:
            number = entry.number
            if broken is None:
                broken = _break(entry, whole + 1, before)
            if broken is None:
                whole, before = number, entry.link
                if number in wanted:
                    links[number] = entry.link
    return _Walk(whole, number, broken, links)


async def _entries(journal: AuditReader, number: int) -> list[AuditEntry]:
    """Return the next entries; one whose text is no text stands there with an empty link."""
    try:
        return await journal.audit_entries(number, ENTRIES_AT_ONCE)
    except UnicodeDecodeError:
        pass
    try:
        return await journal.audit_entries(number, 1)
    except UnicodeDecodeError:
        return [AuditEntry(number + 1, Action(0, "", "", "", ""), b"")]


def _break(entry: AuditEntry, number: int, before: bytes) -> AuditFinding | None:
    if entry.number != number:
        return AuditFinding(MISSING, number, f"{_span(number, entry.number - 1)} gone")
    if entry.link != link(before, number, entry.action):
        text = f"entry {number} was changed, or is not the one that stood there"
        return AuditFinding(CHANGED, number, text)
    return None


def _with_doubt(broken: AuditFinding, vouched: int) -> AuditFinding:
    """Say which entries before a break could have been given new links that fit."""
    if vouched + 1 >= broken.position:
        return broken
    doubt = f"{_span(vouched + 1, broken.position - 1)} vouched for by no checkpoint"
    return msgspec.structs.replace(broken, text=f"{broken.text}; {doubt}")


def _gone(first: int, last: int) -> str:
    return f"{_span(first, last)} gone from the end"


def _span(first: int, last: int) -> str:
    return f"entry {first} is" if first == last else f"entries {first} to {last} are"
