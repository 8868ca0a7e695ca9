"""What reconciliation must find and add up to, read from a truth file: for whoever grades it.

Everything here is what holds once all of a run has arrived, the last morning's files included, and
every cut-off has passed; nothing quarantined has been taken in again.
"""

from __future__ import annotations

from pathlib import Path

from tillway.simulator.accounts import TruthDay
from tillway.simulator.expected import DAY_ARITHMETIC, ExpectedFinding
from tillway.simulator.truth import TruthFault, read_truth


def finance_findings(truth_path: Path) -> frozenset[ExpectedFinding]:
    """Return the findings that must be there, and no others.

    Two faults of one day can make up for one another in a sum or a count; then the day's own
    figures say so, and nothing is expected. Raises ConfigurationError TW-7501.
    """
    caused: set[ExpectedFinding] = set()
    disproved: set[ExpectedFinding] = set()
    for line in read_truth(truth_path):
        if isinstance(line, TruthFault):
            caused.update(line.findings)
        elif isinstance(line, TruthDay):
            disproved.update(line.mismatches)
    return frozenset(one for one in caused if one.rule not in DAY_ARITHMETIC or one in disproved)


def unexplained_mismatches(truth_path: Path) -> frozenset[ExpectedFinding]:
    """Return the mismatches of days that no fault explains: there must be none.

    Raises ConfigurationError TW-7501.
    """
    days = expected_days(truth_path)
    return frozenset(one for day in days for one in day.mismatches) - finance_findings(truth_path)


def expected_days(truth_path: Path) -> list[TruthDay]:
    """Return every store-day with its money and the state it must end in, by store and date.

    Raises ConfigurationError TW-7501.
    """
    return [line for line in read_truth(truth_path) if isinstance(line, TruthDay)]
