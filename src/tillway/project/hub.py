"""Reads `tillway.toml`: the hub itself. Each value keeps where it came from, for `doctor`."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from tillway.project.documents import Document
from tillway.project.problems import Problems
from tillway.project.reading import TableReader
from tillway.project.records import BY_CORES, HubSettings
from tillway.project.toml_lines import SettingPath
from tillway.security.secrets import Secret

LARGEST_PORT = 65535
MOST_WORKERS = 64
RETENTION = ("raw_days", "canonical_days", "duplicate_days", "attempt_days")
_DEFAULTS = HubSettings(name="")
_PLACES: dict[str, SettingPath] = {
    "name": ("name",),
    "time_zone": ("time_zone",),
    "journal": ("journal",),
    "drain_seconds": ("drain_seconds",),
    "disk_floor_bytes": ("disk_floor_bytes",),
    "intake_workers": ("intake", "workers"),
    "raw_days": ("retention", "raw_days"),
    "canonical_days": ("retention", "canonical_days"),
    "duplicate_days": ("retention", "duplicate_days"),
    "attempt_days": ("retention", "attempt_days"),
    "listen_host": ("listen", "host"),
    "listen_port": ("listen", "port"),
    "pseudonym_key": ("security", "pseudonym_key"),
    "dev_control": ("dev", "control"),
    "otlp_endpoint": ("telemetry", "otlp_endpoint"),
    "otlp_authorization": ("telemetry", "otlp_authorization"),
    "trace_percent": ("telemetry", "trace_percent"),
    "log": ("telemetry", "log"),
}
"""Field of HubSettings -> where it is written in `tillway.toml`."""


def read_hub(document: Document, problems: Problems) -> HubSettings:
    """Return the settings of the hub; what is wrong is noted and its default stands in."""
    reader = TableReader(document, problems)
    values: dict[str, Any] = {
        "name": reader.required_text("name"),
        "time_zone": reader.text("time_zone", _DEFAULTS.time_zone),
        "journal": reader.text("journal", _DEFAULTS.journal),
        "drain_seconds": reader.number("drain_seconds", _DEFAULTS.drain_seconds),
        "disk_floor_bytes": reader.whole("disk_floor_bytes", _DEFAULTS.disk_floor_bytes),
    }
    if listen := reader.table("listen"):
        values["listen_host"] = listen.text("host", _DEFAULTS.listen_host)
        values["listen_port"] = listen.whole("port", _DEFAULTS.listen_port, maximum=LARGEST_PORT)
        listen.done()
    if intake := reader.table("intake"):
        values["intake_workers"] = intake.whole(
            "workers", _DEFAULTS.intake_workers, BY_CORES, MOST_WORKERS
        )
        intake.done()
    if retention := reader.table("retention"):
        for name in RETENTION:
            values[name] = retention.whole(name, getattr(_DEFAULTS, name))
        retention.done()
    if security := reader.table("security"):
        values["pseudonym_key"] = _secret(security, "pseudonym_key")
        security.done()
    if dev := reader.table("dev"):
        values["dev_control"] = dev.text("control")
        dev.done()
    if telemetry := reader.table("telemetry"):
        values.update(_telemetry(telemetry))
    reader.done()
    if not known_zone(values["time_zone"]):
        reader.note("time_zone", "TW-1112", f'"{values["time_zone"]}" is no time zone')
    return HubSettings(**values, origins=_origins(document))


def _telemetry(table: TableReader) -> dict[str, Any]:
    found: dict[str, Any] = {
        "otlp_endpoint": table.text("otlp_endpoint"),
        "otlp_authorization": _secret(table, "otlp_authorization"),
        "trace_percent": table.number("trace_percent", _DEFAULTS.trace_percent),
        "log": table.choice("log", ("text", "json"), _DEFAULTS.log),
    }
    if found["otlp_endpoint"] and not found["otlp_endpoint"].startswith(("http://", "https://")):
        table.note("otlp_endpoint", "TW-1103", "`otlp_endpoint` begins with https:// or http://")
    if found["trace_percent"] > 100:
        table.note("trace_percent", "TW-1103", "`trace_percent` is at most 100")
    table.done()
    return found


def _secret(reader: TableReader, key: str) -> str:
    """Return a secret; one whose value is written down is refused."""
    value = reader.text(key)
    if value and not isinstance(value, Secret):
        advice = f'Write {key} = "${{secret:{key}}}" and keep the value outside the project.'
        reader.note(key, "TW-8101", f"`{key}` is a secret and has its value written down", advice)
    return value


def known_zone(name: str) -> bool:
    """Say whether a name of the IANA time zone database is known here."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _origins(document: Document) -> dict[str, str]:
    origins = {}
    for setting, path in _PLACES.items():
        written = path in document.lines or path in document.overridden
        file, line = document.at(path)
        place = f"{file}:{line}" if line else file
        origins[setting] = place if written else "default"
    return origins
