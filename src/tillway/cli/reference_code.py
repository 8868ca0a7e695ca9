"""Reference pages about the program: verbs, exit codes, error codes, connectors, limits."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import pairwise

import msgspec
from cyclopts import App

from tillway.cli import exit_codes
from tillway.cli.app import make_app
from tillway.cli.markdown import code, page, section, table
from tillway.cli.verbs import GROUPS, VERBS
from tillway.connect import Registration, connector, connector_names
from tillway.connect.settings import describe
from tillway.errors import CodeRecord, all_codes

AREAS = {
    "1": "Configuration, start-up and the command line",
    "2": "Intake",
    "3": "Formats and mapping",
    "4": "Delivery and targets",
    "5": "Journal and disk",
    "6": "Sales audit and sequence",
    "7": "Operating",
    "8": "Security and masking",
    "9": "Bugs",
}
LIMIT_MODULES = ("limits.py", "bounds.py")
_RUNNER = re.compile(r"(```console\ntillway[ a-z]*?) -m [\w.]+")
_CONTENTS = re.compile(r"## Table of Contents\n\n(?:- [^\n]*\n)+\n")
_NOTHING_BY_DEFAULT = re.compile(r' \*\[default: (?:False|\(\)|"")\]\*')


def cli_page() -> str:
    """Return the page of verbs and exit codes."""
    sections = []
    for group in GROUPS:
        names = [name for name, verb in VERBS.items() if verb.group == group]
        texts = [_verb(name) for name in names]
        sections.append("\n\n".join([f"## {group}", *texts]))
    about = (
        "Data goes to stdout, everything else to stderr. `--json` prints one document with a "
        '`"schema": "tillway.<verb>/1"` field; fields are added, never renamed.'
    )
    return page("Command line", about, section("Exit codes", _exit_codes()), *sections)


def errors_page() -> str:
    """Return the page of every error code; `tillway explain` says the same."""
    sections = []
    for first, area in AREAS.items():
        found = [one for name, one in all_codes().items() if name.startswith(f"TW-{first}")]
        if found:
            sections.append(section(f"TW-{first}nnn: {area}", *map(_code, found)))
    about = "Every code Tillway can show. A code is registered once and never changes its meaning."
    return page("Error codes", about, *sections)


def connectors_page() -> str:
    """Return the page of connectors with every setting."""
    sections = [_connector(connector(name)) for name in connector_names()]
    about = (
        "Settings stand in `systems/<name>.toml`, under `[source.settings]` or "
        "`[target.settings]`. A secret is written `${secret:name}` and never in the file."
    )
    return page("Connectors", about, *sections)


def limits_page() -> str:
    """Return the page of every limit: the named constants of each room."""
    sections = []
    for room in sorted(resources.files("tillway").iterdir(), key=lambda entry: entry.name):
        if not room.is_dir():
            continue
        rows = [row for name in LIMIT_MODULES for row in _limits(room / name)]
        if rows:
            sections.append(section(room.name, table(("Name", "Value", "Meaning"), rows)))
    about = "Sizes, counts and times that Tillway does not exceed, by room of the code."
    return page("Limits", about, *sections)


def _verb(name: str) -> str:
    app = make_app(name)[name]
    inner = [(f"{name} {one}", app[one]) for one in app if not one.startswith("-")]
    return "\n\n".join(_usage(path, one) for path, one in [(name, app), *inner])


def _usage(path: str, app: App) -> str:
    """Return the section of one verb; its usage line never names the program that runs this."""
    text = app.generate_docs(recursive=False, usage_name=f"tillway {path}").partition("\n")[2]
    text = _RUNNER.sub(r"\1", _CONTENTS.sub("", text).partition("\n## ")[0])
    text = _NOTHING_BY_DEFAULT.sub("", text).replace("](#", "](#tillway-")
    return f"### tillway {path}\n\n{text.strip()}"


def _exit_codes() -> str:
    """Read the meaning of each code from the text under it in `exit_codes.py`."""
    source = (resources.files("tillway.cli") / "exit_codes.py").read_text("utf-8")
    rows = []
    body = ast.parse(source).body
    for node, after in pairwise(body):
        name = _constant_name(node)
        meaning = _text_of(after)
        value = getattr(exit_codes, name, None) if name else None
        if meaning and isinstance(value, int):
            rows.append((str(value), meaning))
    return table(("Code", "Meaning"), rows)


def _code(record: CodeRecord) -> str:
    answer = f" HTTP {record.http_status}." if record.http_status else ""
    return "\n".join(
        (
            f"### {record.code}",
            f"**{record.title}** ({record.kind}).{answer}\n",
            f"* What happened: {record.happened}",
            f"* What Tillway did: {record.did}",
            f"* What to do: {record.advice}",
        )
    )


def _connector(found: Registration) -> str:
    parts = [found.summary]
    for title, struct in (("Source", found.source_settings), ("Target", found.target_settings)):
        if struct is not None:
            parts.append(f"### {found.name} as a {title.lower()}\n\n{_settings(struct)}")
    return section(found.name, *parts)


def _settings(struct: type[msgspec.Struct]) -> str:
    rows = (
        (
            code(field.name),
            field.type,
            "required" if field.required else code(field.default),
            field.meaning + (" A secret." if field.secret else ""),
            code(field.example),
        )
        for field in describe(struct)
    )
    return table(("Setting", "Kind", "Default", "Meaning", "Example"), rows)


def _limits(module: Traversable) -> Iterator[tuple[str, str, str]]:
    if not module.is_file():
        return
    body = ast.parse(module.read_text("utf-8")).body
    for node, after in zip(body, [*body[1:], None], strict=True):
        name = _constant_name(node)
        if name and not name.startswith("_"):
            assert isinstance(node, ast.Assign | ast.AnnAssign)
            assert node.value is not None
            yield code(name), code(ast.unparse(node.value)), _text_of(after)


def _constant_name(node: ast.stmt) -> str:
    target: ast.expr | None = None
    if isinstance(node, ast.Assign):
        target = node.targets[0]
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        target = node.target
    return target.id if isinstance(target, ast.Name) and target.id.isupper() else ""


def _text_of(node: ast.stmt | None) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return str(node.value.value)
    return ""
