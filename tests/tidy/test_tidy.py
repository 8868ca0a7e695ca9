"""Properties of the code itself; exceptions are listed here with a reason and may only shrink."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "tillway"
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 70
LONG_FILES: dict[str, str] = {}
BANNED_NAMES = {"utils", "common", "helpers", "core", "misc", "services", "managers", "util"}
SEAM_FILES = {
    "src/tillway/journal/base.py",
    "src/tillway/formats/base.py",
    "src/tillway/dialects/base.py",
}
CODE = re.compile(r"TW-\d{4}")


def python_files(*folders: str) -> list[Path]:
    """Return the Python files git knows or would add in these folders."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *folders],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return [ROOT / name for name in listed if name.endswith(".py") and (ROOT / name).exists()]


def name_of(path: Path) -> str:
    """Return a path as it is written in the lists above."""
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return every function of a file."""
    tree = ast.parse(path.read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function without its docstring."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    if ast.get_docstring(function):
        docstring = function.body[0]
        lines -= (docstring.end_lineno or 0) - docstring.lineno + 1
    return lines


def test_files_stay_small() -> None:
    """No file is longer than 400 lines, but for the listed ones."""
    long = {
        name_of(path)
        for path in python_files("src", "tests", "bench")
        if len(path.read_text().splitlines()) > MAX_FILE_LINES
    }
    assert long <= set(LONG_FILES), "split these files"
    assert set(LONG_FILES) <= long, "these exceptions are no longer needed"


def test_functions_stay_small() -> None:
    """No function is longer than 70 lines without its docstring."""
    long = [
        f"{name_of(path)}:{function.lineno} {function.name}"
        for path in python_files("src", "bench")
        for function in functions(path)
        if length(function) > MAX_FUNCTION_LINES
    ]
    assert long == []


def test_every_module_says_what_it_is_for() -> None:
    """Every module starts with a docstring."""
    silent = [
        name_of(path)
        for path in python_files("src", "tests", "bench")
        if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_every_test_states_a_behaviour() -> None:
    """Every test function has a sentence."""
    silent = [
        f"{name_of(path)}:{function.lineno} {function.name}"
        for path in python_files("tests", "src/tillway/testing")
        for function in functions(path)
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]
    assert silent == []


def test_no_room_is_a_drawer() -> None:
    """No module is called utils, common, helpers ..., and base only where it is a seam."""
    drawers = [name_of(p) for p in python_files("src") if p.stem in BANNED_NAMES]
    seams = {name_of(p) for p in python_files("src") if p.stem == "base"}
    assert drawers == []
    assert seams <= SEAM_FILES


def test_nothing_is_left_for_later() -> None:
    """No unfinished marks in what is committed."""
    marks = re.compile(
        r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK")) + r")\b"
    )
    left = [
        f"{name_of(path)}: {found.group()}"
        for path in python_files("src", "tests", "bench")
        for found in marks.finditer(path.read_text())
    ]
    assert left == []


def test_every_code_raised_is_registered_and_every_registered_code_is_used() -> None:
    """`tillway explain` knows each code in the source, and no record is orphaned."""
    registered: set[str] = set()
    for table in (SOURCE / "errors" / "codes").glob("*.toml"):
        registered |= set(re.findall(r"^\[(TW-\d{4})\]", table.read_text(), re.MULTILINE))
    used: set[str] = set()
    for path in python_files("src"):
        used |= set(CODE.findall(path.read_text()))
    for data in SOURCE.rglob("*.toml"):
        if data.parent.name != "codes":
            used |= set(CODE.findall(data.read_text()))
    assert used - registered == set(), "register these codes in errors/codes/"
    assert registered - used == set(), "nothing raises these codes"


@pytest.mark.parametrize("package", sorted(p.parent.name for p in SOURCE.glob("*/__init__.py")))
def test_package_files_only_describe_and_re_export(package: str) -> None:
    """An `__init__.py` of a room holds a docstring and re-exports, nothing else."""
    path = SOURCE / package / "__init__.py"
    allowed = (ast.Import, ast.ImportFrom, ast.Expr, ast.Assign)
    others = [node for node in ast.parse(path.read_text()).body if not isinstance(node, allowed)]
    assert others == []
