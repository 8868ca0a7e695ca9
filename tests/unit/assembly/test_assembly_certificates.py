"""The ends of certificates that a project keeps in files, as the daily report needs them."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from flows.alert_receivers import certificate
from operating_world import release
from tillway.assembly.certificates import certificates
from tillway.clock import MICROSECONDS
from tillway.project.alert_records import Receiver, WatchSettings


def told(folder: Path, ca_file: str) -> dict[str, int]:
    """Return what is known of a project whose one mail receiver trusts a file."""
    mail = Receiver("operations", "email", host="mail.example", ca_file=ca_file)
    watch = WatchSettings(receivers={"operations": mail})
    return certificates(replace(release(folder), folder=folder, watch=watch))


def test_the_end_of_a_certificate_is_known_and_read_anew_when_the_file_changed(
    tmp_path: Path,
) -> None:
    """The one of the tests ends in 30 days; a second one put in its place is seen."""
    path, _ = certificate(tmp_path)
    in_30_days = (datetime.now(UTC) + timedelta(days=30)).timestamp() * MICROSECONDS
    [(name, ends)] = told(tmp_path, "mail.pem").items()
    assert name == "alerts/operations"
    assert abs(ends - in_30_days) < 3600 * MICROSECONDS
    path.write_text("no certificate")
    os.utime(path, ns=(1, 1))
    assert told(tmp_path, "mail.pem") == {}


def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    """No file, a missing one, a folder: the hub goes on, and says nothing it does not know."""
    assert [told(tmp_path, name) for name in ("", "missing.pem", ".")] == [{}, {}, {}]
