"""Keeps the catalogues: `python -m tillway.console.catalogues` collects the texts and compiles.

Development only, because it needs babel; a running hub reads the compiled file with the standard
library. Texts come from the templates, from the rooms' tables of words, and from this room's code.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from tillway.observe.books import FATES, OUTCOMES
from tillway.observe.settings import BUILT_IN
from tillway.observe.stuck import AGES, OLDEST
from tillway.reconcile import LEGEND
from tillway.reconcile.answers import WAITS_FOR
from tillway.reconcile.store_day import MEANINGS
from tillway.watch.rules import RULES

ROOM = Path(__file__).parent
LOCALE = ROOM / "locale"
PYTHON_KEYWORDS = {"N_": None, "text": None, "many": (1, 2)}
TEMPLATE_KEYWORDS = {"_": None, "ngettext": (1, 2)}
Message = str | tuple[str, str]


def collected() -> dict[Message, str]:
    """Return every text of the console with the file it stands in."""
    found: dict[Message, str] = {}
    for file in sorted(ROOM.rglob("*.py")):
        _take(found, file, "python", PYTHON_KEYWORDS)
    for file in sorted((ROOM / "templates").glob("*.html")):
        _take(found, file, "jinja2.ext:babel_extract", TEMPLATE_KEYWORDS)
    for word in _words():
        found.setdefault(word, "a table of words")
    return found


def catalogue(language: str) -> Catalog:
    """Return the catalogue of a language as it stands in its file."""
    with _file(language).open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str) -> Catalog:
    """Return the catalogue with every collected text, translated ones kept."""
    known = catalogue(language) if _file(language).exists() else Catalog(locale=language)
    fresh = Catalog(locale=language, project="tillway", fuzzy=False)
    for message, place in collected().items():
        one = message if isinstance(message, str) else message[0]
        before = known.get(one)
        kept = before.string if before is not None else ""
        fresh.add(message, kept or ("" if isinstance(message, str) else ("", "")), [(place, 1)])
    return fresh


def missing(language: str) -> list[str]:
    """Return the collected texts that a language has no translation for."""
    known = catalogue(language)
    lacking = []
    for message in collected():
        one = message if isinstance(message, str) else message[0]
        found = known.get(one)
        strings = () if found is None else found.string
        whole = (strings,) if isinstance(strings, str) else strings
        if not whole or not all(whole):
            lacking.append(one)
    return lacking


def compiled(language: str) -> bytes:
    """Return the compiled catalogue of a language."""
    out = BytesIO()
    write_mo(out, catalogue(language))
    return out.getvalue()


def _take(
    found: dict[Message, str],
    file: Path,
    method: str,
    keywords: Mapping[str, tuple[int, int] | None],
) -> None:
    options = {"encoding": "utf-8", "newstyle_gettext": "true", "extensions": "jinja2.ext.i18n"}
    with file.open("rb") as text:
        for _line, message, _comments, _context in extract(
            method, text, keywords, (), options if method != "python" else {}
        ):
            if message and message != ("", ""):
                one = message if isinstance(message, str) else (message[0], message[1])
                found.setdefault(one, file.relative_to(ROOM).as_posix())


def _words() -> Iterator[str]:
    """Yield the words that pages show from tables of other rooms."""
    yield from MEANINGS
    yield from MEANINGS.values()
    yield from LEGEND.values()
    yield from (name for _, name in AGES)
    yield from (word.replace("_", " ") for word in (*OUTCOMES, *FATES))
    yield from (OLDEST, BUILT_IN, "default")
    yield from WAITS_FOR
    for rule in RULES.values():
        yield from (rule.fires, rule.likely, rule.advice)


def _file(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "tillway.po"


def main() -> int:
    """Bring every catalogue up to date and compile it; leave with 1 when a text has no words."""
    lacking = []
    for folder in sorted(LOCALE.iterdir()):
        fresh = updated(folder.name)
        with _file(folder.name).open("wb") as file:
            write_po(file, fresh, width=100, sort_output=True, omit_header=False, no_location=True)
        _file(folder.name).with_suffix(".mo").write_bytes(compiled(folder.name))
        lacking += [f"{folder.name}: {one}" for one in missing(folder.name)]
    for one in lacking:
        sys.stderr.write(f"no words for {one}\n")
    return 1 if lacking else 0


if __name__ == "__main__":
    raise SystemExit(main())
