"""The little Markdown that the reference pages need: headed sections and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def page(title: str, about: str, *sections: str) -> str:
    """Return a page; empty sections are left out."""
    parts = [f"# {title}", about, *filter(None, sections)]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def section(title: str, *parts: str) -> str:
    """Return a section with a heading."""
    return "\n\n".join([f"## {title}", *filter(None, parts)])


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; bars and line breaks inside a cell are made harmless. "" without rows."""
    lines = ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    if not lines:
        return ""
    return "\n".join(["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns), *lines])


def code(text: str) -> str:
    """Return text as code, "" for nothing."""
    return f"`{text}`" if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").strip()
