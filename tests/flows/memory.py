"""The most memory a process ever had (Linux)."""

from __future__ import annotations

from pathlib import Path


def peak_memory_bytes(process: int | str = "self") -> int:
    """Return it for a process id.

    Surprising: `getrusage` would count what the process was before it became another program.
    """
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    [peak] = [line for line in lines if line.startswith("VmHWM:")]
    return int(peak.split()[1]) * 1024
