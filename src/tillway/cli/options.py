"""Options that many verbs share, spelled and explained once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

Json = Annotated[bool, Parameter(name="--json", negative=(), help="Print one JSON document.")]
Project = Annotated[Path, Parameter(name=["--project", "-p"], help="The project folder.")]
Environment = Annotated[
    str, Parameter(name="--env", help="Apply the overrides of env/<name>.toml.")
]
Overrides = Annotated[
    tuple[str, ...],
    Parameter(name="--set", negative=(), help="Override one setting: --set listen.port=9000."),
]
Yes = Annotated[bool, Parameter(name=["--yes", "-y"], negative=(), help="Do not ask.")]
DryRun = Annotated[bool, Parameter(name="--dry-run", negative=(), help="Stop after the plan.")]
Reason = Annotated[str, Parameter(name="--reason", help="Why; goes to the audit log.")]
ConfirmCount = Annotated[
    int | None,
    Parameter(name="--confirm-count", help="The number of messages you expect (above 100)."),
]
HERE = Path()
