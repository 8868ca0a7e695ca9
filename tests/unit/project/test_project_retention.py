"""How long a project keeps things: `[retention]` in tillway.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from project_folder import ENVIRON, write_project
from tillway.project import ProjectErrors, load_release


def test_without_a_line_things_are_kept_for_long(tmp_path: Path) -> None:
    """More than a year for what was sent, more than two for what is delivered from."""
    hub = load_release(write_project(tmp_path), environ=ENVIRON).hub
    assert (hub.raw_days, hub.canonical_days) == (400, 800)
    assert (hub.duplicate_days, hub.attempt_days) == (400, 400)
    assert hub.origins["raw_days"] == "default"


def test_days_are_read_and_0_keeps_for_ever(tmp_path: Path) -> None:
    """Each kind has days of its own, and says where they were set."""
    folder = write_project(tmp_path)
    settings = folder / "tillway.toml"
    settings.write_text(settings.read_text() + "\n[retention]\nraw_days = 90\nattempt_days = 0\n")
    hub = load_release(folder, environ=ENVIRON).hub
    assert (hub.raw_days, hub.attempt_days, hub.canonical_days) == (90, 0, 800)
    assert hub.origins["raw_days"].startswith("tillway.toml:")


@pytest.mark.parametrize(
    ("line", "code"), [("raw_days = -1", "TW-1103"), ("raw_dayz = 9", "TW-1102")]
)
def test_wrong_days_are_refused(tmp_path: Path, line: str, code: str) -> None:
    """A negative number would let go of what came a moment ago; a typo would keep all."""
    folder = write_project(tmp_path)
    settings = folder / "tillway.toml"
    settings.write_text(settings.read_text() + f"\n[retention]\n{line}\n")
    with pytest.raises(ProjectErrors) as told:
        load_release(folder, environ=ENVIRON)
    assert code in str(told.value.parts[0].code)
