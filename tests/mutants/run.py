"""Break every promise of `catalogue.py` in a copy of the tree and see that its test fails.

Surprising: each test is first run on the unbroken copy, since a test that always fails catches
everything. Ends with 1 when a mutant survives or a test is no use. Names given as arguments choose.
"""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from catalogue import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("src", "tests")
TESTS_FAILED = 1
LIMIT_SECONDS = 300
AT_ONCE = 2
"""Mutants under way at once, each in a tree of its own: most tests wait more than they compute."""
Work = TypeVar("Work", str, Mutant)
ROW = "{:<42} {:<10} {:>5}  {}\n"


def main(names: Sequence[str]) -> int:
    """Run the chosen mutants, all without a choice; print a table and return the exit code."""
    chosen = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    with tempfile.TemporaryDirectory() as folder:
        trees = [Path(folder) / f"tree-{number}" for number in range(AT_ONCE)]
        for tree in trees:
            _copy(tree)
        useless = [test for test in _each(trees, _fails_unbroken, _tests_of(chosen)) if test]
        survivors = [name for name in _each(trees, _survives, chosen) if name]
    _say(f"{len(chosen) - len(survivors)} of {len(chosen)} caught\n")
    return 1 if survivors or useless or not chosen else 0


def _copy(tree: Path) -> None:
    tree.mkdir()
    for name in COPIED:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tree)


def _tests_of(mutants: Iterable[Mutant]) -> list[str]:
    return sorted({mutant.test for mutant in mutants})


def _each(
    trees: Sequence[Path], work: Callable[[Path, Work], str], things: Sequence[Work]
) -> list[str]:
    """Return what work says of each thing, as many at once as there are trees."""
    free: queue.SimpleQueue[Path] = queue.SimpleQueue()
    for tree in trees:
        free.put(tree)

    def one(thing: Work) -> str:
        tree = free.get()
        try:
            return work(tree, thing)
        finally:
            free.put(tree)

    with ThreadPoolExecutor(len(trees)) as pool:
        return list(pool.map(one, things))


def _fails_unbroken(tree: Path, test: str) -> str:
    """Return the test when it fails where nothing is broken."""
    code, seconds = _run(tree, test)
    _say(ROW.format("nothing broken", "FAILS" if code else "passes", seconds, test))
    return test if code else ""


def _survives(tree: Path, mutant: Mutant) -> str:
    """Return the name of a mutant that its test does not notice."""
    files = {edit.file: (tree / "src/tillway" / edit.file) for edit in mutant.edits}
    whole = {file: path.read_text() for file, path in files.items()}
    for edit in mutant.edits:
        text = files[edit.file].read_text()
        assert text.count(edit.old) == 1, f"{mutant.name}: {edit.file} has not once {edit.old!r}"
        files[edit.file].write_text(text.replace(edit.old, edit.new))
    code, seconds = _run(tree, mutant.test)
    for file, text in whole.items():
        files[file].write_text(text)
    caught = code == TESTS_FAILED
    _say(ROW.format(mutant.name, "caught" if caught else "SURVIVES", seconds, mutant.test))
    return "" if caught else mutant.name


def _run(tree: Path, test: str) -> tuple[int, int]:
    """Return the exit code of one test in the copy, and its seconds."""
    samples = ROOT.parent / "shared/samples"
    environment = {**os.environ, "PYTHONPATH": str(tree / "src")}
    environment.setdefault("TILLWAY_SAMPLES", str(samples))
    began = time.monotonic()
    command = (
        "timeout",
        str(LIMIT_SECONDS),
        sys.executable,
        "-B",
        "-m",
        "pytest",
        "-q",
        "-x",
        test,
    )
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, check=False)
    return done.returncode, round(time.monotonic() - began)


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
