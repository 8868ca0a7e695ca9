"""The alerts folder: what may stand in it, and what is told about it when it may not."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from project_folder import ENVIRON, write_project
from tillway.project import load_release
from tillway.project.alert_records import Escalation, OpeningHours, QuietHours, RuleChoice
from tillway.project.problems import ProjectErrors

MAIL = """\
kind = "email"
host = "smtp.example.com"
user = "hub"
password = "${secret:mail}"
from = "hub@example.com"
to = ["ops@example.com", "night@example.com"]
priorities = ["P2", "P1"]

[quiet]
from = "21:30"
to = "06:00"
priorities = ["P2"]
"""
HOOK = """\
kind = "webhook"
url = "https://pager.example.com/in"
secrets = ["${secret:pager}"]
"""
RULES = """\
console_url = "https://hub.example.com/"
report_at = "07:30"

[rules.SuccessRate]
threshold = 90
[rules.RouteQuiet]
off = true
[rules.SequenceGap]
priority = "P2"

[[escalation]]
after_minutes = 15
receivers = ["hook"]

[service_levels]
success_percent = 99
[service_levels.routes.to-ledger]
batch = true
batch_minutes = 60

[opening]
all = "09:00-20:00"
0002 = "08:00-22:00"
"""
SECRETS = {
    **ENVIRON,
    "TILLWAY_SECRET_MAIL": "post",
    "TILLWAY_SECRET_PAGER": "whsec_cGFnZXI=",
}


def project(folder: Path, **files: str) -> Path:
    """Write the small project with an alerts folder."""
    write_project(folder)
    (folder / "alerts").mkdir()
    for name, text in {"rules": RULES, "mail": MAIL, "hook": HOOK, **files}.items():
        (folder / "alerts" / f"{name}.toml").write_text(text)
    return folder


def problems(folder: Path) -> list[str]:
    """Return code and place of everything wrong with a folder."""
    with pytest.raises(ProjectErrors) as refused:
        load_release(folder, environ=SECRETS)
    return [f"{one.code} {one.file}:{one.line}" for one in refused.value.problems]


def test_everything_that_is_written_is_read(tmp_path: Path) -> None:
    """Receivers, thresholds, escalation, promises and opening hours stand in the release."""
    watch = load_release(project(tmp_path), environ=SECRETS).watch
    mail, hook = watch.receivers["mail"], watch.receivers["hook"]
    assert (mail.priorities, mail.port, mail.security) == (("P1", "P2"), 587, "starttls")
    assert mail.quiet == QuietHours(time(21, 30), time(6), ("P2",))
    assert (hook.kind, len(hook.secrets)) == ("webhook", 1)
    assert "post" not in repr(watch), "no secret shows itself"
    assert watch.rules["SuccessRate"] == RuleChoice(90.0)
    assert (watch.rules["RouteQuiet"].off, watch.rules["SequenceGap"].priority) == (True, "P2")
    assert watch.escalations == (Escalation(15.0, ("hook",)),)
    assert (watch.console_url, watch.report_at) == ("https://hub.example.com", time(7, 30))
    own = watch.levels_of("to-ledger")
    assert (own.batch, own.batch_minutes, own.success_percent) == (True, 60, 99)
    assert watch.levels_of("another").batch is False
    assert watch.opening["0002"] == OpeningHours(time(8), time(22))


def test_without_the_folder_the_defaults_stand(tmp_path: Path) -> None:
    """Nobody is told, and every promise is the usual one."""
    watch = load_release(write_project(tmp_path), environ=SECRETS).watch
    assert (watch.receivers, watch.levels.success_percent) == ({}, 99.5)


@pytest.mark.parametrize(
    ("file", "old", "new", "code"),
    [
        ("mail", 'host = "smtp.example.com"\n', "", "TW-1104"),
        ("mail", '"${secret:mail}"', '"open"', "TW-8101"),
        ("hook", '["${secret:pager}"]', '["open"]', "TW-8101"),
        ("hook", "https://pager", "pager", "TW-1103"),
        ("hook", 'kind = "webhook"', 'kind = "fax"', "TW-1103"),
        ("mail", 'priorities = ["P2", "P1"]', 'priorities = ["P7"]', "TW-1103"),
        ("mail", 'priorities = ["P2"]', 'priorities = ["P1"]', "TW-1103"),
        ("mail", 'user = "hub"', 'usr = "hub"', "TW-1102"),
        ("rules", 'receivers = ["hook"]', 'receivers = ["hok"]', "TW-1103"),
        ("rules", "success_percent = 99", "success_percent = 0", "TW-1103"),
        ("rules", '"09:00-20:00"', '"20:00-09:00"', "TW-1103"),
        ("rules", '"09:00-20:00"', '"nine"', "TW-1103"),
        ("rules", 'report_at = "07:30"', 'report_at = "soon"', "TW-1103"),
        ("rules", 'priority = "P2"', 'priority = "P9"', "TW-1103"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    tmp_path: Path, file: str, old: str, new: str, code: str
) -> None:
    """Code, file and line; nothing is guessed."""
    text = {"rules": RULES, "mail": MAIL, "hook": HOOK}[file]
    assert old in text
    found = problems(project(tmp_path, **{file: text.replace(old, new, 1)}))
    assert [one for one in found if one.startswith(f"{code} alerts/{file}.toml:")], found
