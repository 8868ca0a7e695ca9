"""Reads one TOML table: every key has to be asked for, and what nobody asked for is a problem.

Nothing here raises for a wrong value: the problem is noted with its place and the default stands
in, so that all problems of a folder are found in one pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from tillway.errors import shown
from tillway.project.documents import Document
from tillway.project.problems import Problems
from tillway.project.toml_lines import SettingPath
from tillway.spelling import nearest

Kind = TypeVar("Kind", str, int, float, bool)


class TableReader:
    """One table of a document. Call done() last: it reports every key that was not read."""

    def __init__(
        self,
        document: Document,
        problems: Problems,
        values: Mapping[str, Any] | None = None,
        path: SettingPath = (),
    ) -> None:
        self.document = document
        self.problems = problems
        self.path = path
        self._values = document.values if values is None else values
        self._known: list[str] = []

    def text(self, key: str, default: str = "") -> str:
        """Return a text; an overridden number is taken as the text that was given."""
        origin = self.document.overridden.get((*self.path, key))
        if origin and isinstance(self._values.get(key), int | float):
            self._known.append(key)
            return origin.text
        return self._typed(key, str, "a text", default)

    def required_text(self, key: str) -> str:
        """Return a text that has to be there; "" after the problem was noted."""
        self.require(key)
        found = self.text(key)
        if key in self._values and found == "":
            self.note(key, "TW-1103", f"`{key}` may not be empty")
        return found

    def whole(self, key: str, default: int, minimum: int = 0, maximum: int | None = None) -> int:
        """Return a whole number within its limits."""
        found = self._typed(key, int, "a whole number", default)
        return found if self._within(key, found, minimum, maximum) else default

    def number(self, key: str, default: float, minimum: float = 0.0) -> float:
        """Return a number; whole ones are fine."""
        if isinstance(self._values.get(key), int):
            return float(self.whole(key, int(default), int(minimum)))
        found = self._typed(key, float, "a number", default)
        return found if self._within(key, found, minimum, None) else default

    def choice(self, key: str, allowed: Sequence[str], default: str) -> str:
        """Return one of the allowed words."""
        found = self.text(key, default)
        if found in allowed:
            return found
        wrong = f'`{key}` is {", ".join(allowed[:-1])} or {allowed[-1]}, not "{shown(found)}"'
        self.note(key, "TW-1103", wrong, nearest(found, allowed).strip())
        return default

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return true or false."""
        return self._typed(key, bool, "true or false", default)

    def texts(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return an array of texts."""
        return tuple(self._array(key, str, "an array of texts", default))

    def numbers(self, key: str, default: tuple[float, ...]) -> tuple[float, ...]:
        """Return an array of numbers."""
        return tuple(self._array(key, (int, float), "an array of numbers", default))

    def free(self, key: str) -> Mapping[str, Any]:
        """Return a table as it stands, for a reader elsewhere; empty when absent."""
        self._known.append(key)
        found = self._values.get(key, {})
        if isinstance(found, dict):
            return found
        self._wrong_type(key, "a table", found)
        return {}

    def table(self, key: str) -> TableReader | None:
        """Return a reader for an inner table, None when absent."""
        if key not in self._values:
            self._known.append(key)
            return None
        return TableReader(self.document, self.problems, self.free(key), (*self.path, key))

    def tables(self, key: str) -> list[TableReader]:
        """Return readers for an array of tables."""
        return [
            TableReader(self.document, self.problems, values, (*self.path, key, index))
            for index, values in enumerate(self._array(key, dict, "an array of tables", ()))
        ]

    def require(self, key: str) -> None:
        """Note a problem when the key is absent."""
        if key not in self._values:
            table = ".".join(str(part) for part in self.path)
            place = f"[{table}]" if table else self.document.file
            self.note("", "TW-1104", f"`{key}` is missing in {place}", f"Add `{key} = ...`.")

    def note(self, key: str, code: str, sentence: str, advice: str = "") -> None:
        """Note a problem at one key of this table ("" for the table itself)."""
        path = (*self.path, key) if key else self.path
        self.problems.add(self.document, path, code, sentence, advice)

    def done(self) -> None:
        """Note every key that nobody asked for, with the nearest known name."""
        for key in self._values:
            if key not in self._known:
                known = ", ".join(sorted(set(self._known)))
                advice = f"{nearest(key, self._known)}Known here: {known}."
                self.note(key, "TW-1102", f"`{key}` is no setting", advice)

    def _typed(self, key: str, kind: type[Kind], meaning: str, default: Kind) -> Kind:
        self._known.append(key)
        found = self._values.get(key, default)
        if isinstance(found, kind) and (kind is bool or not isinstance(found, bool)):
            return found
        self._wrong_type(key, meaning, found)
        return default

    def _within(self, key: str, found: float, minimum: float, maximum: float | None) -> bool:
        if found >= minimum and (maximum is None or found <= maximum):
            return True
        limits = f"at least {minimum}" + (f" and at most {maximum}" if maximum is not None else "")
        self.note(key, "TW-1103", f"`{key}` is {limits}, not {found}")
        return False

    def _array(self, key: str, kind: Any, meaning: str, default: Sequence[Any]) -> Sequence[Any]:
        self._known.append(key)
        found = self._values.get(key, default)
        if isinstance(found, list | tuple) and all(isinstance(one, kind) for one in found):
            return found
        self._wrong_type(key, meaning, found)
        return default

    def _wrong_type(self, key: str, meaning: str, found: object) -> None:
        self.note(key, "TW-1103", f"`{key}` is {meaning}, not {shown(found)}")
