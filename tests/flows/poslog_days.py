"""The days of POSLog that are told to a ledger: the real NCR sample, and one of our own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLES = Path(os.environ.get("TILLWAY_SAMPLES", ROOT / ".." / "shared" / "samples"))
SAMPLE = SAMPLES / "pos" / "poslog" / "ncr_acs_poslog_2.1_day_store9.scrubbed.xml"
OWN = ROOT / "tests" / "data" / "poslog" / "ncr_traps.xml"


@dataclass(frozen=True, slots=True)
class Day:
    """A file and what must stand in the books in the end."""

    file: Path
    store: str
    receipts: int
    controls: int
    grand: str

    def content(self) -> bytes:
        """Return the file; skip the test where the sample is not at hand, or fail where it must."""
        if not self.file.exists():
            if "samples" in os.environ.get("TILLWAY_REQUIRE", "").split(","):
                pytest.fail("TILLWAY_REQUIRE asks for the samples, and the NCR file is not there")
            pytest.skip("the NCR sample is not at hand; set TILLWAY_SAMPLES")
        return self.file.read_bytes()


NCR = Day(SAMPLE, "9", 42, 9, "2643.72")
TRAPS = Day(OWN, "41", 8, 4, "83.55")
