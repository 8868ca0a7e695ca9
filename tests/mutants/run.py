"""Break every promise of `catalogue.py` in a copy of the tree and see that its test fails.

Surprising: each test is first run on the unbroken copy, since a test that always fails catches
everything. Ends with 1 when a mutant survives or a test is no use. Names given as arguments choose.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from catalogue import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("src", "tests")
TESTS_FAILED = 1
LIMIT_SECONDS = 300
ROW = "{:<34} {:<10} {:>5}  {}\n"


def main(names: Sequence[str]) -> int:
    """Run the chosen mutants, all without a choice; print a table and return the exit code."""
    chosen = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        _copy(tree)
        useless = _failing_unbroken(tree, {mutant.test for mutant in chosen})
        survivors = [mutant for mutant in chosen if not _is_caught(tree, mutant)]
    _say(f"{len(chosen) - len(survivors)} of {len(chosen)} caught\n")
    return 1 if survivors or useless or not chosen else 0


def _copy(tree: Path) -> None:
    tree.mkdir()
    for name in COPIED:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tree)


def _failing_unbroken(tree: Path, tests: Iterable[str]) -> list[str]:
    """Return the tests that fail where nothing is broken."""
    failing = []
    for test in sorted(tests):
        code, seconds = _run(tree, test)
        _say(ROW.format("nothing broken", "FAILS" if code else "passes", seconds, test))
        if code:
            failing.append(test)
    return failing


def _is_caught(tree: Path, mutant: Mutant) -> bool:
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
    return caught


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
