"""Throws near-valid input at every parser: no uncaught error, linear work, bounded memory.

Surprising: an input that takes longer than two seconds is a failure too, and the memory is that of
the whole worker, which has read millions of inputs by then.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from flows.memory import peak_memory_bytes
from prove.fuzzing import FORMATS, HTTP, parser, parser_names
from prove.proof import Job, Outcome, Proof
from prove.shares import side_by_side

SMALL = {"quick": 10_000, "full": 1_000_000}
LARGE = {"quick": 200, "full": 20_000}
CHUNKS = {"quick": 1, "full": 20}
SLOW_SECONDS = 2.0
MOST_MEGABYTES = 400.0
SHORT_BYTES, GROWTH = 64 * 1024, 4
MOST_TIMES_LINEAR = 2.0
"""Four times the input may take so many times four times as long: a clock is not exact."""
NOISE_SECONDS = 0.02
SHOWN = 10
UNITS = (
    *(b"[", b"{", b'{"a":', b'"', b"\\", b"<a>", b"<a/>", b"&amp;", b"&", b'<a b="c" ', b"<!--"),
    *(b"9", b" ", b"\n", b"\r", b",", b'"",', b"a,b,c\n", b"1e9,", b";", b"x", b"H,1\n"),
    *(b":61:2611201120C2,50NTRFNONREF\n", b":86:?20", b'{"a":1}\n', b"<r>x</r>", b"4111 "),
)


@dataclass(slots=True)
class Found:
    """What one chunk came to."""

    name: str
    small: int = 0
    large: int = 0
    wrong: list[str] = field(default_factory=list)
    megabytes: float = 0.0


def prove(job: Job) -> Outcome:
    """Share the chunks of all parsers out, and add up."""
    names = parser_names()
    chunks = range(len(names) * (CHUNKS[job.tier] + 1))
    small: Counter[str] = Counter()
    large: Counter[str] = Counter()
    wrong: list[str] = []
    megabytes = 0.0
    for _, found in side_by_side(job, partial(_chunk, job.tier, job.seed), chunks):
        small[found.name] += found.small
        large[found.name] += found.large
        wrong += [f"{found.name}: {text}" for text in found.wrong]
        megabytes = max(megabytes, found.megabytes)
    for text in wrong[:SHOWN]:
        job.say(text)
    for name in names:
        job.say(f"{name}: {small[name]:,} small, {large[name]:,} large")
    enough = min(small.values()) >= SMALL[job.tier] and min(large.values()) >= LARGE[job.tier]
    figure = (
        f"{len(wrong)} wrong; {len(names)} parsers, each {min(small.values()):,} small and "
        f"{min(large.values()):,} large inputs; {megabytes:.0f} MB"
    )
    return Outcome(
        figure,
        ok=not wrong and enough and megabytes <= MOST_MEGABYTES,
        seeds=f"{job.seed}..{job.seed + len(chunks) - 1}",
    )


def _chunk(tier: str, first_seed: int, _folder: Path, number: int) -> Found:
    """Run one chunk of one parser; the last of each looks at how work grows."""
    names = parser_names()
    name, turn = names[number % len(names)], number // len(names)
    found = Found(name)
    if turn == CHUNKS[tier]:
        found.wrong += growth(name)
    else:
        rng = Random(first_seed + number)
        found.small, found.large = SMALL[tier] // CHUNKS[tier], LARGE[tier] // CHUNKS[tier]
        _throw(found, rng)
    found.megabytes = peak_memory_bytes() / 2**20
    return found


def _throw(found: Found, rng: Random) -> None:
    one = parser(found.name)
    clock, read = time.perf_counter, one.read
    for make, count in ((one.small, found.small), (one.large, found.large)):
        for _ in range(count):
            content = make(rng)
            began = clock()
            try:
                read(content)
            except Exception as error:  # noqa: BLE001 - any error at all is what is looked for
                if len(found.wrong) < SHOWN:
                    found.wrong.append(f"{type(error).__name__}: {error} for {content!r:.300}")
            if clock() - began > SLOW_SECONDS:
                found.wrong.append(f"{clock() - began:.1f} s for {content!r:.200}")


def growth(name: str) -> list[str]:
    """Return the inputs whose cost grows faster than they do."""
    if name not in FORMATS and name != HTTP:
        return []
    read = parser(name).read
    wrong = []
    for unit in UNITS:
        content = unit * (SHORT_BYTES // len(unit))
        short = _seconds(read, content)
        long = _seconds(read, content * GROWTH)
        if long > MOST_TIMES_LINEAR * GROWTH * short + NOISE_SECONDS:
            wrong.append(f"{GROWTH} times {unit!r} took {long / short:.1f} times as long")
    return wrong


def _seconds(read: object, content: bytes) -> float:
    """Return the least CPU time of three tries."""
    tries = []
    for _ in range(3):
        began = time.process_time()
        read(content)  # type: ignore[operator]
        tries.append(time.process_time() - began)
    return min(tries)


PROOF = Proof("fuzz per parser", "no uncaught error, work linear, memory bounded", prove)
