"""Writes a project: one Square account with the tables of the template, and a folder as its books.

The target writes one file per key, so a higher version of an order takes the place of a lower one.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from vendors.square_seller import KEY, TOKEN

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "src/tillway/project/templates/cloud-ledger"
PARTS = ("systems", "mappings", "codes")
TYPES = (
    "control.recorded",
    "payment.updated",
    "retail_transaction.completed",
    "settlement.posted",
    "till.settled",
)
SECRETS = {
    "pseudonym_key": "a pseudonym key for these tests",
    "square_signature_key": KEY,
    "square_access_token": TOKEN,
}
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: {id}
name: {name}
version: "1.0.0"
status: active
team:
  name: Store systems
schema:
  - name: {name}
    logicalType: object
"""
FILES = {
    "tillway.toml": """\
name = "square"
time_zone = "America/New_York"
journal = ".state/journal.db"
drain_seconds = 5

[listen]
host = "127.0.0.1"
port = 0

[security]
pseudonym_key = "${secret:pseudonym_key}"
""",
    "stores.csv": """\
business_unit_id,name,time_zone,country,currency,system,registers,api_key_sha256
0101,Maple Street,America/New_York,US,USD,square,1,
0102,Harbour Row,America/Chicago,US,USD,square,1,
""",
    "codes/square_store.csv": """\
source,canonical,label
LSQUARESTORE1,0101,Maple Street
LSQUARESTORE2,0102,Harbour Row
""",
    "systems/books.toml": """\
[target]
connector = "files"
delivery_class = "A"

[target.settings]
folder = "books"
name = "{key}.json"
""",
    "routes/to-books.toml": """\
messages = ["retail_transaction.completed"]
target = "books"
mapping = "books-document"
start = "beginning"
""",
    "mappings/books-document.toml": """\
output = "books.document"
version = 1

[map]
order    = 'object_id'
revision = 'revision'
kind     = 'transaction_type'
store    = 'business_unit_id'
currency = 'currency'
amount   = 'money(totals.grand)'
""",
}


def write_square_project(folder: Path, *settings: str) -> Path:
    """Write the project. settings are lines that take the place of the same ones of the source."""
    for part in PARTS:
        (folder / part).mkdir(parents=True, exist_ok=True)
        for file in (TEMPLATE / part).glob("square*"):
            shutil.copy(file, folder / part / file.name)
    for name in TYPES:
        _write(folder / "contracts" / name / "v1.odcs.yaml", _contract(name))
    for file, text in FILES.items():
        _write(folder / file, text)
    secrets = folder / "secrets.toml"
    _write(secrets, "".join(f'{name} = "{value}"\n' for name, value in SECRETS.items()))
    secrets.chmod(0o600)
    names = tuple(line.partition(" =")[0] for line in settings)
    system = folder / "systems" / "square.toml"
    kept = [
        line for line in system.read_text().splitlines() if line.partition(" =")[0] not in names
    ]
    at = kept.index("[source.settings]") + 1
    system.write_text("\n".join([*kept[:at], *settings, *kept[at:], ""]))
    return folder


def _contract(name: str) -> str:
    return CONTRACT.format(name=name, id=name.replace(".", "-").replace("_", "-"))


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
