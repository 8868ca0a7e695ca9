"""Adds one row to a code table: checked as the whole file is checked, written in one step.

The folder stays the truth: the row stands in the file before anything that runs knows it.
"""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

from tillway.errors import ConfigurationError
from tillway.mapping.codes import COLUMNS, CodeTable, load_code_table
from tillway.project.records import Release
from tillway.spelling import nearest

LONGEST_CELL = 200
_STARTS_FORMULA = ("=", "+", "-", "@", "#")


def code_tables(release: Release) -> dict[str, CodeTable]:
    """Return the code tables that the mappings of a release know, by name."""
    found: dict[str, CodeTable] = {}
    for table in release.mappings.values():
        found.update(table.codes)
    return dict(sorted(found.items()))


def learn_code(release: Release, name: str, source: str, canonical: str) -> None:
    """Tell every mapping of a release that runs about a row of the file."""
    for table in {id(one): one for one in _known(release, name)}.values():
        table.learn(source, canonical)


def check_code(release: Release, name: str, canonical: str) -> None:
    """Raise ConfigurationError TW-7061 where a mapping puts the code into a field it cannot be."""
    for table in release.mappings.values():
        for used, field, values in table.code_choices():
            if used == name and canonical not in values:
                known = f"{nearest(canonical, values)}Known: {', '.join(sorted(values))}."
                raise _refused(f'{field} cannot be "{canonical}"', known)


def add_code_row(folder: Path, name: str, source: str, canonical: str, label: str = "") -> None:
    """Add a row to `codes/<name>.csv`.

    Raises ConfigurationError TW-7061 for a table that is not there, a code it lists already, or a
    cell it cannot hold; the file is then as it was.
    """
    known = [file.stem for file in sorted((folder / "codes").glob("*.csv"))]
    if name not in known:
        raise _refused(f'there is no code table "{name}"', nearest(name, known))
    for cell in (source, canonical):
        _check_cell(cell)
    if len(label) > LONGEST_CELL or not label.isprintable():
        raise _refused("the label is one line of at most 200 characters")
    file = folder / "codes" / f"{name}.csv"
    before = file.read_text(encoding="utf-8")
    table = load_code_table(name, before)
    if source in table.rows:
        raise _refused(f'codes/{name}.csv says already what "{source}" is')
    after = (
        before + ("" if before.endswith("\n") else "\n") + _line(before, source, canonical, label)
    )
    load_code_table(name, after)
    _replace(file, after)


def _known(release: Release, name: str) -> list[CodeTable]:
    return [one.codes[name] for one in release.mappings.values() if name in one.codes]


def _check_cell(cell: str) -> None:
    if not cell or len(cell) > LONGEST_CELL or not cell.isprintable():
        raise _refused("a code is one line of 1 to 200 characters")
    if cell.startswith(_STARTS_FORMULA):
        raise _refused(f'"{cell}" would be read as a formula or a comment')


def _line(before: str, source: str, canonical: str, label: str) -> str:
    """Return the row in as many columns as the file's header has."""
    lines = (line.strip() for line in before.removeprefix("\ufeff").splitlines())
    header = next(line for line in lines if line and not line.startswith("#"))
    labelled = header.count(",") + 1 == len(COLUMNS)
    text = io.StringIO()
    cells = [source, canonical, label] if labelled else [source, canonical]
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _replace(file: Path, text: str) -> None:
    """Write a file whole or not at all, also when the machine stops meanwhile."""
    beside = file.with_name(f".{file.name}.new")
    with beside.open("w", encoding="utf-8", newline="") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    beside.replace(file)


def _refused(sentence: str, advice: str = "") -> ConfigurationError:
    return ConfigurationError("TW-7061", sentence, advice=advice)
