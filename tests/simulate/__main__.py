"""Runs one seed and prints its trace: `PYTHONPATH=tests python -m simulate 17`."""

from __future__ import annotations

import sys

from simulate.world import run_world


def main(seed: int) -> int:
    """Print the trace of a world and what is wrong with it; return 1 when something is."""
    verdict = run_world(seed)
    print("\n".join(verdict.trace))  # noqa: T201 - what it is for
    print(f"\nseed {seed}: {verdict.accepted} accepted, {verdict.calls} calls,")  # noqa: T201
    print(f"{verdict.deaths} deaths, {len(verdict.wrong)} wrong")  # noqa: T201
    return 1 if verdict.wrong else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
