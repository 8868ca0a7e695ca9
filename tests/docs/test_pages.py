"""What the pages name exists: links, error codes, verbs with their options, names of the code."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from docs.fenced import DOCS, blocks
from tillway.errors import all_codes
from tillway.mapping import table_problems

ROOT = DOCS.parent
PAGES = sorted(
    [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("src/tillway/**/README.md")],
    key=lambda page: page.relative_to(ROOT).as_posix(),
)
WRITTEN = [page for page in PAGES if page.parent.name not in ("reference", "decisions")]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
CODE = re.compile(r"\bTW-\d{4}\b")
COMMAND = re.compile(r"(?:`|^\$ (?:\.\./)?(?:\.venv/bin/)?)tillway ([a-z][^`\n]*)", re.MULTILINE)
OPTION = re.compile(r"(?<!\S)--[a-z][a-z-]*")
MACHINE = re.compile(r"/(?:work|tmp|root|home)/")


def name_of(page: Path) -> str:
    """Return a page as the test's name shows it."""
    return page.relative_to(ROOT).as_posix()


def help_of_verbs() -> dict[str, str]:
    """Return the section of each verb in the reference, by its name such as `dlq list`."""
    text = (DOCS / "reference" / "cli.md").read_text("utf-8")
    parts = re.split(r"^### tillway (.+)$", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def wrong_commands(text: str) -> list[str]:
    """Return the commands of a page whose verb or option does not exist."""
    verbs = help_of_verbs()
    lines = [re.sub(r"\s+#.*", "", line) for line in COMMAND.findall(text)]
    return [line for line in lines if not _is_known(line.split(), verbs)]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page names a file or folder that is there."""
    links = [link for link in LINK.findall(page.read_text("utf-8")) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_codes_and_commands_exist(page: Path) -> None:
    """Every TW code is registered; every verb and option is in the reference."""
    text = page.read_text("utf-8")
    assert set(CODE.findall(text)) <= set(all_codes())
    assert wrong_commands(text) == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_pages_name_no_machine(page: Path) -> None:
    """No path of the machine on which a page was written."""
    assert MACHINE.findall(page.read_text("utf-8")) == []


def test_a_command_that_does_not_exist_is_noticed() -> None:
    """The check above knows verbs, verbs below verbs, and options."""
    text = "`tillway dlq list --coins`, `tillway fly`, `tillway dlq burn`, `tillway dlq list`\n"
    assert len(wrong_commands(text)) == len(("--coins", "fly", "burn"))


def test_the_glossary_names_what_exists() -> None:
    """Every name of the code in the glossary can be imported."""
    text = (DOCS / "glossary.md").read_text("utf-8")
    names = re.findall(r"`(tillway\.[\w.]+)`", text)
    assert names
    assert [name for name in names if not _exists(name)] == []


def test_the_tables_of_the_mapping_page_compile() -> None:
    """Its pieces make one table in which nothing is wrong; a function that is none is noticed."""
    pieces = [
        one.text for one in blocks(DOCS / "concepts" / "mapping.md") if one.language == "toml"
    ]
    text = "\n".join(pieces)
    assert table_problems(text, name="page", codes={}) == []
    assert table_problems(text.replace("total_of(", "sum_of("), name="page", codes={})


def test_the_index_lists_every_page() -> None:
    """No written page is left out of `docs/README.md` and the indexes it names."""
    below = ("README.md", "operating/README.md", "reference/alert-rules.md")
    indexes = [DOCS / name for name in below]
    listed = {
        (index.parent / link).resolve()
        for index in indexes
        for link in LINK.findall(index.read_text("utf-8"))
    }
    written = {page for page in WRITTEN if DOCS in page.parents} - {DOCS / "README.md"}
    assert written - listed == set()


def _is_known(words: list[str], verbs: dict[str, str]) -> bool:
    """Say whether verb and options exist; `dlq list|show` is each of them."""
    inner = {name.split()[1] for name in verbs if name.startswith(f"{words[0]} ")}
    below = words[1].split("|") if len(words) > 1 and inner else []
    if words[0] == "dlq" and not set(below) <= inner:
        return False
    told = verbs.get(" ".join(words[:2]), verbs.get(words[0], ""))
    return bool(told) and all(f"`{one}" in told for one in OPTION.findall(" ".join(words)))


def _exists(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        module, _, inner = name.rpartition(".")
        return hasattr(importlib.import_module(module), inner)
    return True
