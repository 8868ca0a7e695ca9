"""Writes a small project folder that is right, for tests to break in one place each."""

from __future__ import annotations

from pathlib import Path

FILES = {
    "tillway.toml": """\
name = "corner"
time_zone = "Europe/Amsterdam"

[listen]
host = "127.0.0.1"
port = 8080

[security]
pseudonym_key = "${secret:pseudonym_key}"
""",
    "systems/tills.toml": """\
vendor = "any"

[source]
connector = "http"
format = "json"

[source.settings]
path = "/in/tills"

[[source.records]]
when = 'kind == "CONTROL"'
mapping = "tills-control"

[source.sequence]
scope = ["business_unit_id", "workstation_id"]
reset = "wrap_at_9999"

[source.masking]
lists = ["stripe"]
drop = ["clerk"]
item_fields = ["shelf"]
""",
    "systems/ledger.toml": """\
[target]
connector = "http"
delivery_class = "A"

[target.settings]
url = "http://127.0.0.1:9"
path = "/documents"

[target.limits]
rate_per_second = 20
concurrency = 4
""",
    "routes/to-ledger.toml": """\
messages = ["control.recorded"]
target = "ledger"
mapping = "ledger-document"
filter = 'control_type != "no_sale"'

[lane]
key = 'concat(":", business_unit_id, workstation_id)'
""",
    "policies/retry.toml": """\
[standard]
kind = "fixed"
base_seconds = 2
cap_seconds = 2.5
""",
    "policies/breaker.toml": """\
[standard]
failures = 3
probe_seconds = [1, 5]
""",
    "codes/control.csv": """\
source,canonical
DRAWER,no_sale
LOGIN,sign_on
""",
    "mappings/tills-control.toml": """\
message_type = "control.recorded"
version = 1

[map]
business_unit_id = 'store'
workstation_id = 'till'
business_date = 'date(day)'
sequence_number = 'integer(number)'
control_type = 'code("control", event)'
""",
    "mappings/ledger-document.toml": """\
output = "ledger.document"
version = 1

[map]
reference = 'concat(":", business_unit_id, sequence_number)'
what = 'control_type'
""",
    "contracts/control.recorded/v1.odcs.yaml": """\
apiVersion: v3.1.0
kind: DataContract
id: control-recorded
name: control.recorded
version: "1.0.0"
status: active
team:
  name: Store systems
schema:
  - name: control.recorded
    logicalType: object
""",
    "stores.csv": """\
business_unit_id,name,time_zone,country,currency,system,registers,api_key_sha256
0001,Alder Street,Europe/Amsterdam,NL,EUR,tills,2,
0002,Birch Street,Europe/Berlin,DE,EUR,tills,,
""",
}
ENVIRON = {"TILLWAY_SECRET_PSEUDONYM_KEY": "not-a-real-key"}


def write_project(folder: Path, **changes: tuple[str, str]) -> Path:
    """Write the project; a change is `file_with_underscores=(old text, new text)`.

    A file is named by its path with every character that is no letter or digit as `_`.
    """
    names = {"".join(c if c.isalnum() else "_" for c in file): file for file in FILES}
    unknown = changes.keys() - names.keys()
    assert not unknown, f"no file is called {unknown}"
    for name, file in names.items():
        text = FILES[file]
        if name in changes:
            old, new = changes[name]
            assert old in text, f"{file} does not hold {old!r}"
            text = text.replace(old, new)
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder
