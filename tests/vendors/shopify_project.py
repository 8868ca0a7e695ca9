"""Writes a project: one Shopify shop with the tables of the template, and a folder as its books.

The target writes one file per key, so a higher revision stands in the place of a lower one.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from tillway.project import load_release
from tillway.project.records import Release

SECRET = "hush-hush-shopify-client-secret"
OLD_SECRET = "the-secret-before-this-one"
TOKEN = "shpat_of-these-tests-only"
SHOP = "lantern.myshopify.com"
ENVIRON = {
    "TILLWAY_SECRET_PSEUDONYM_KEY": "a pseudonym key for these tests",
    "TILLWAY_SECRET_SHOPIFY_WEBHOOK": SECRET,
    "TILLWAY_SECRET_SHOPIFY_TOKEN": TOKEN,
}
TYPES = (
    "retail_transaction.completed",
    "control.recorded",
    "payment.updated",
    "settlement.posted",
)
FILES = {
    "tillway.toml": """\
name = "lantern"
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
web,Web shop,America/New_York,US,USD,shopify,,
0007,Harbour Street,America/New_York,US,USD,shopify,1,
""",
    "codes/shopify_store.csv": "source,canonical,label\n487838322,0007,Harbour Street\n",
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
key           = 'object_id'
revision      = 'revision'
kind          = 'transaction_type'
store         = 'business_unit_id'
business_date = 'text(business_date)'
currency      = 'currency'
amount        = 'money(totals.grand)'
""",
}


def write_shopify_project(folder: Path, **settings: str) -> Path:
    """Write the project; settings replace those of the source, as TOML values."""
    template = resources.files("tillway.project") / "templates" / "cloud-ledger"
    for part in ("systems", "mappings", "codes"):
        for entry in (template / part).iterdir():
            if entry.name.startswith("shopify") and entry.is_file():
                _write(folder / part / entry.name, entry.read_text("utf-8"))
    for name, text in FILES.items():
        _write(folder / name, text)
    for name in TYPES:
        contract = f"contracts/{name}/v1.odcs.yaml"
        _write(folder / contract, (template / contract).read_text("utf-8"))
    system = folder / "systems/shopify.toml"
    text = system.read_text("utf-8")
    lines = [line for line in text.splitlines() if line.partition(" =")[0] not in settings]
    at = lines.index("[source.settings]") + 1
    lines[at:at] = [f"{name} = {value}" for name, value in settings.items()]
    system.write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def shopify_release(folder: Path) -> Release:
    """Return the release of such a project."""
    return load_release(folder, environ=ENVIRON)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
