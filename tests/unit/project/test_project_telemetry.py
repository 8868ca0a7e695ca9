"""`[telemetry]` of tillway.toml: a collector of traces, how many go there, and how logs are."""

from __future__ import annotations

from pathlib import Path

import pytest

from project_folder import ENVIRON, write_project
from tillway.observe.settings import settings_of
from tillway.project import ProjectErrors, load_release
from tillway.project.records import Release

HUSH = "Bearer hush"
FULL = """\
otlp_endpoint = "https://collector.example:4318"
otlp_authorization = "${secret:collector}"
trace_percent = 2.5
log = "json"
"""


def loaded(folder: Path, lines: str) -> Release:
    """Return the release of a project with these lines under [telemetry]."""
    write_project(folder)
    settings = folder / "tillway.toml"
    settings.write_text(f"{settings.read_text()}\n[telemetry]\n{lines}")
    return load_release(folder, environ={**ENVIRON, "TILLWAY_SECRET_COLLECTOR": HUSH})


def test_nothing_is_sent_unless_it_is_asked_for(tmp_path: Path) -> None:
    """No collector, and logs for people."""
    hub = load_release(write_project(tmp_path), environ=ENVIRON).hub
    assert (hub.otlp_endpoint, hub.otlp_authorization, hub.log) == ("", "", "text")
    assert hub.trace_percent == 10


def test_a_collector_is_read_and_its_secret_shown_nowhere(tmp_path: Path) -> None:
    """Every setting says where it came from; of the secret only that there is one."""
    release = loaded(tmp_path, FULL)
    hub = release.hub
    assert (hub.otlp_endpoint, hub.trace_percent, hub.log) == (
        *("https://collector.example:4318", 2.5, "json"),
    )
    assert hub.origins["trace_percent"].startswith("tillway.toml:")
    shown = {one.name: one for one in settings_of(release) if one.part == "hub"}
    assert (shown["otlp_authorization"].secret, shown["otlp_authorization"].value) == (True, "")
    assert HUSH not in str([*shown.values(), hub])


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('otlp_endpoint = "collector:4318"', "TW-1103"),
        ("trace_percent = 101", "TW-1103"),
        ("trace_percent = -1", "TW-1103"),
        ('log = "xml"', "TW-1103"),
        ('otlp_authorization = "written down"', "TW-8101"),
        ('otlp_endpont = "https://collector.example"', "TW-1102"),
    ],
)
def test_wrong_settings_are_refused(tmp_path: Path, line: str, code: str) -> None:
    """Each is named with its code before anything starts."""
    with pytest.raises(ProjectErrors) as told:
        loaded(tmp_path, f"{line}\n")
    assert told.value.parts[0].code == code
