"""Tampers with the audit chain in every way there is, and compares where that is found.

Surprising: where it must be found is worked out here from what was done, not asked of the checker.
Where a link was made anew, that is the next entry, unless a checkpoint stands at the changed one:
then it is the first entry after the checkpoint before.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import apsw

from prove.proof import Job, Outcome, Proof
from tillway.access import AuditFiles, AuditVerdict, Notary, check_audit
from tillway.access.checkpoints import Checkpoint
from tillway.access.signing_key import load_or_make
from tillway.clock import ManualClock
from tillway.journal.base import Action, Settlement
from tillway.journal.chain import link
from tillway.journal.sqlite import open_sqlite
from tillway.journal.sqlite_queries import open_queries

ENTRIES = 40
PER_JOURNAL = 50
UNTOUCHED_EACH = 10
JOURNAL = "journal.db"
COUNTS = {"quick": 100, "full": 1000}


@dataclass(slots=True)
class Scene:
    """A copy of a signed journal, open for somebody who can write to it. marks: checkpoints."""

    folder: Path
    db: apsw.Connection
    rng: Random
    marks: list[int]

    def any_entry(self, least: int = 1, most: int = ENTRIES) -> int:
        """Return an entry."""
        return self.rng.randint(least, most)

    def before(self, number: int) -> int:
        """Return the newest checkpoint that vouches only for what stands before an entry."""
        return max(mark for mark in self.marks if mark < number)

    def where_relinked(self, number: int) -> int:
        """Return where an entry must be found that was given a link that fits."""
        return self.before(number) + 1 if number in self.marks else number + 1

    def relink(self, number: int) -> None:
        """Give an entry the link that fits its content and the link before it."""
        sql = "SELECT link FROM action WHERE action_id = ?"
        before = self.db.execute(sql, (number - 1,)).get or bytes(32)
        sql = "SELECT at, who, verb, subject, reason FROM action WHERE action_id = ?"
        action = Action(*self.db.execute(sql, (number,)).get)
        self.run(
            "UPDATE action SET link = ? WHERE action_id = ?", link(before, number, action), number
        )

    def run(self, sql: str, *values: object) -> None:
        """Run one statement."""
        self.db.execute(sql, values)

    def move_up(self, first: int) -> None:
        """Make room for an entry: give all from there on the next number."""
        self.run("UPDATE action SET action_id = -action_id WHERE action_id >= ?", first)
        self.run("UPDATE action SET action_id = 1 - action_id WHERE action_id < 0")

    def close_up(self, gone: int) -> None:
        """Give all after an entry the number before."""
        self.run("UPDATE action SET action_id = -action_id WHERE action_id > ?", gone)
        self.run("UPDATE action SET action_id = -action_id - 1 WHERE action_id < 0")

    def add(self, number: int) -> None:
        """Put an entry of nobody in place; its link does not fit yet."""
        self.run(
            "INSERT INTO action VALUES (?, 5, 'eve', 'retry', 'all', 'because', zeroblob(32))",
            number,
        )


def change(scene: Scene) -> int:
    """Change one field of an entry."""
    number = scene.any_entry()
    column = scene.rng.choice(["who", "verb", "subject", "reason"])
    scene.run(f"UPDATE action SET {column} = {column} || '.' WHERE action_id = ?", number)
    return number


def change_time(scene: Scene) -> int:
    """Change when an entry says it was, by a microsecond or by years."""
    number = scene.any_entry()
    by = scene.rng.choice([-1, 1, 10**14])
    scene.run("UPDATE action SET at = at + ? WHERE action_id = ?", by, number)
    return number


def spoil_text(scene: Scene) -> int:
    """Put bytes that are no text into an entry."""
    number = scene.any_entry()
    scene.run("UPDATE action SET reason = CAST(x'80ff' AS TEXT) WHERE action_id = ?", number)
    return number


def change_link(scene: Scene) -> int:
    """Change one bit of a link."""
    number = scene.any_entry()
    found = bytearray(
        scene.db.execute("SELECT link FROM action WHERE action_id = ?", (number,)).get
    )
    found[scene.rng.randrange(32)] ^= 1 << scene.rng.randrange(8)
    scene.run("UPDATE action SET link = ? WHERE action_id = ?", bytes(found), number)
    return number


def change_and_relink(scene: Scene) -> int:
    """Change an entry and give it a link that fits."""
    number = scene.any_entry()
    scene.run("UPDATE action SET who = 'eve' WHERE action_id = ?", number)
    scene.relink(number)
    return scene.where_relinked(number)


def rewrite(scene: Scene) -> int:
    """Change an entry and link everything after it anew."""
    number = scene.any_entry()
    scene.run("UPDATE action SET who = 'eve' WHERE action_id = ?", number)
    for one in range(number, ENTRIES + 1):
        scene.relink(one)
    return scene.before(number) + 1


def remove(scene: Scene) -> int:
    """Take an entry out and leave the hole."""
    number = scene.any_entry()
    scene.run("DELETE FROM action WHERE action_id = ?", number)
    return number


def remove_and_close_up(scene: Scene) -> int:
    """Take an entry out and renumber the rest."""
    number = remove(scene)
    scene.close_up(number)
    return number


def insert(scene: Scene) -> int:
    """Put an entry between others."""
    number = scene.any_entry()
    scene.move_up(number)
    scene.add(number)
    return number


def insert_and_link(scene: Scene) -> int:
    """Put an entry between others, with a link that fits."""
    number = insert(scene)
    scene.relink(number)
    return scene.where_relinked(number)


def exchange(scene: Scene) -> int:
    """Let two entries change places."""
    first, second = sorted(scene.rng.sample(range(1, ENTRIES + 1), 2))
    scene.run("UPDATE action SET action_id = -1 WHERE action_id = ?", first)
    scene.run("UPDATE action SET action_id = ? WHERE action_id = ?", first, second)
    scene.run("UPDATE action SET action_id = ? WHERE action_id = -1", second)
    return first


def cut(scene: Scene) -> int:
    """Take the end away."""
    number = scene.any_entry()
    scene.run("DELETE FROM action WHERE action_id >= ?", number)
    return number


def cut_with_checkpoints(scene: Scene) -> int:
    """Take the end away, and every checkpoint in the journal that knows of it."""
    number = cut(scene)
    scene.run("DELETE FROM audit_checkpoint WHERE count >= ?", number)
    return number


def forge_checkpoint(scene: Scene) -> int:
    """Change a checkpoint of the journal."""
    mark = scene.rng.choice(scene.marks)
    column = scene.rng.choice(["head", "signature"])
    scene.run(
        f"UPDATE audit_checkpoint SET {column} = randomblob(length({column})) WHERE count = ?", mark
    )
    return max(1, mark)


def lose_checkpoint(scene: Scene) -> int:
    """Take the newest checkpoint out of the journal."""
    scene.run("DELETE FROM audit_checkpoint WHERE count = ?", ENTRIES)
    return ENTRIES


def lose_file(scene: Scene) -> int:
    """Remove the checkpoint beside the journal."""
    AuditFiles.beside(scene.folder / JOURNAL).checkpoint.unlink()
    return ENTRIES


def sign_anew(scene: Scene) -> int:
    """Rewrite the chain from an entry on and sign it with a key of one's own."""
    number = scene.any_entry()
    scene.run("UPDATE action SET who = 'eve' WHERE action_id = ?", number)
    for one in range(number, ENTRIES + 1):
        scene.relink(one)
    scene.run("DELETE FROM audit_checkpoint WHERE count >= ?", number)
    key = load_or_make(scene.folder / "eve.key", scene.folder / "eve.pub")
    head = scene.db.execute("SELECT link FROM action WHERE action_id = ?", (ENTRIES,)).get
    mine = Checkpoint(ENTRIES, head, 1, key.public).signed(key)
    row = (mine.count, mine.head, mine.at, mine.key, mine.signature)
    scene.run("INSERT INTO audit_checkpoint VALUES (?, ?, ?, ?, ?)", *row)
    AuditFiles.beside(scene.folder / JOURNAL).write_checkpoint(mine)
    return scene.before(number) + 1


WAYS: tuple[Callable[[Scene], int], ...] = (
    change,
    change_time,
    spoil_text,
    change_link,
    change_and_relink,
    rewrite,
    remove,
    remove_and_close_up,
    insert,
    insert_and_link,
    exchange,
    cut,
    cut_with_checkpoints,
    forge_checkpoint,
    lose_checkpoint,
    lose_file,
    sign_anew,
)


def prove(job: Job) -> Outcome:
    """Tamper so many times, each with a copy of its own."""
    count = COUNTS[job.tier]
    missed: Counter[str] = Counter()
    for seed in range(job.seed, job.seed + count):
        if (seed - job.seed) % PER_JOURNAL == 0:
            marks = asyncio.run(_signed(job.folder / f"whole-{seed}", Random(seed)))
            whole = job.folder / f"whole-{seed}"
        missed.update(_tampered(whole, job.folder / "copy", marks, seed))
    told = f", of {dict(missed)}" if missed else ""
    figure = f"{count - missed.total():,} of {count:,} found at their first place{told}"
    return Outcome(figure, not missed, f"{job.seed}..{job.seed + count - 1}")


def _tampered(whole: Path, copy: Path, marks: list[int], seed: int) -> list[str]:
    """Tamper once; return the way when it was not found where it must be."""
    rng = Random(seed)
    way = WAYS[seed % len(WAYS)]
    shutil.copytree(whole, copy)
    try:
        if seed % UNTOUCHED_EACH == 0 and not asyncio.run(_checked(copy)).holds:
            return ["nothing"]
        db = apsw.Connection(str(copy / JOURNAL))
        expected = way(Scene(copy, db, rng, marks))
        db.close()
        found = asyncio.run(_checked(copy)).first_bad
        return [] if found == expected else [way.__name__]
    finally:
        shutil.rmtree(copy)


async def _signed(folder: Path, rng: Random) -> list[int]:
    """Make a journal whose chain is signed now and then, and at its end; return where."""
    journal = await open_sqlite(folder / JOURNAL)
    notary = await Notary.open(journal, folder / JOURNAL, ManualClock())
    number, marks = 0, [0]
    while number < ENTRIES:
        some = min(rng.randint(1, 4), ENTRIES - number)
        actions = [
            Action(10**15 + n, "ada", "retry", f"pos-to-erp/{n}", rng.choice(["back", "mended"]))
            for n in range(number + 1, number + some + 1)
        ]
        await journal.settle(Settlement("", actions=actions))
        number += some
        if number == ENTRIES or rng.random() < 0.7:
            await notary.sign()
            marks.append(number)
    await journal.close()
    return marks


async def _checked(folder: Path) -> AuditVerdict:
    queries = open_queries(folder / JOURNAL)
    try:
        return await check_audit(queries, AuditFiles.beside(folder / JOURNAL))
    finally:
        await queries.close()


PROOF = Proof("tampering with the audit chain", "all found, first bad position named", prove)
