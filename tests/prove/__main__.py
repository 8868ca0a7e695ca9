"""`make prove`: tries to break every promise, row after row, and prints one table.

Ends with 1 when a row failed. A row that raises has failed; the others go on all the same.
"""

from __future__ import annotations

import argparse
import logging
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.page import this_machine

from prove.proof import Job, Outcome, Proof, Tier
from prove.rows import rows
from prove.table import Row, as_text, write_json, write_page

SEED = 1
WORKERS = 2
PAGE = Path(__file__).resolve().parents[2] / "docs" / "internals" / "proofs.md"
SAID = "One run of the {} tier (`make prove`) on {}:"


def main() -> int:
    """Run the chosen rows; return the exit code."""
    # What hubs say about the faults planted in them would bury the table.
    logging.disable(logging.CRITICAL)
    parser = argparse.ArgumentParser(prog="make prove", description=__doc__)
    parser.add_argument("--rows", default="", help="names with commas between; all without")
    parser.add_argument("--tier", choices=("quick", "full"), default="full")
    parser.add_argument("--seed", type=int, default=SEED, help="the first seed of each row")
    parser.add_argument("--out", type=Path, help="write the rows as JSON")
    parser.add_argument("--page", action="store_true", help=f"write the table into {PAGE.name}")
    options = parser.parse_args()
    try:
        chosen = rows([name.strip() for name in options.rows.split(",") if name.strip()])
    except ValueError as error:
        parser.error(str(error))
    with tempfile.TemporaryDirectory(
        prefix="prove-compiled-", ignore_cleanup_errors=True
    ) as compiled:
        _keep_compiled(compiled)
        done = run(chosen, options.tier, options.seed, say)
    sys.stdout.write("\n" + as_text(done))
    if options.out:
        write_json(done, options.out)
    if options.page:
        write_page(done, PAGE, SAID.format(options.tier, this_machine()))
    return 0 if all(row.ok for row in done) else 1


def say(line: str) -> None:
    """Print a line of progress at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def run(
    chosen: Mapping[str, Proof], tier: Tier, seed: int, report: Callable[[str], None]
) -> list[Row]:
    """Run these proofs one after another, each in a folder of its own; return their rows."""
    done = []
    for name, proof in chosen.items():
        report(f"{name} ...")
        began, cpu = time.monotonic(), _cpu_seconds()
        with tempfile.TemporaryDirectory(prefix=f"prove-{name}-") as folder:
            job = Job(tier, Path(folder), seed, WORKERS, lambda line: report(f"  {line}"))
            found = _outcome(proof, job)
        seconds, cpu = time.monotonic() - began, _cpu_seconds() - cpu
        verdict = "ok" if found.ok else "FAILED"
        report(f"{name}: {found.figure}: {verdict} ({seconds:.0f} s, {cpu:.0f} s of CPU)")
        done.append(
            Row(proof.name, found.figure, proof.goal, found.ok, found.seeds, round(seconds, 1))
        )
    return done


def _outcome(proof: Proof, job: Job) -> Outcome:
    try:
        return proof.prove(job)
    except Exception as error:  # noqa: BLE001 - whatever it was, the row has not held
        return Outcome(f"{type(error).__name__}: {error}", ok=False, seeds="")


def _keep_compiled(folder: str) -> None:
    """Let the hubs share what Python compiles, where the environment tells it to keep nothing.

    Hundreds of them are started; each would compile every module anew.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        sys.dont_write_bytecode, sys.pycache_prefix = False, folder


def _cpu_seconds() -> float:
    """Return what this process and its ended children have used."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(use.ru_utime + use.ru_stime for use in map(resource.getrusage, kinds))


if __name__ == "__main__":
    sys.exit(main())
