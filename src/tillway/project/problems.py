"""What is wrong in a project folder: every problem is collected, not only the first.

A warning never stops a start; it says that something is probably not meant so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Protocol

import msgspec

from tillway.errors import ConfigurationError


class Problem(msgspec.Struct, frozen=True):
    """One thing wrong: file relative to the project folder, line from 1 (0 when unknown)."""

    file: str
    line: int
    code: str
    sentence: str
    advice: str = ""
    severity: Literal["error", "warning"] = "error"

    @property
    def at(self) -> str:
        """Return `file:line`, or the file alone when no line is known."""
        return f"{self.file}:{self.line}" if self.line else self.file

    def as_json(self) -> dict[str, Any]:
        """Return the problem as plain values."""
        return {
            "file": self.file,
            "line": self.line,
            "code": self.code,
            "sentence": self.sentence,
            "advice": self.advice,
            "severity": self.severity,
        }

    def as_error(self) -> ConfigurationError:
        """Return the problem as an error that can be printed like any other."""
        return ConfigurationError(self.code, self.sentence, advice=self.advice, at=self.at)


class ProjectErrors(ConfigurationError):
    """TW-1100: the project folder is not fit to run; problems lists everything found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        errors = [problem for problem in self.problems if problem.severity == "error"]
        count = "1 problem" if len(errors) == 1 else f"{len(errors)} problems"
        super().__init__("TW-1100", f"the project has {count}")
        self.parts = [problem.as_error() for problem in errors]

    def as_json(self) -> dict[str, Any]:
        """Return the error with its list of problems."""
        problems = [problem.as_json() for problem in self.problems]
        return {**super().as_json(), "problems": problems}


class Positioned(Protocol):
    """Anything that knows in which file and line a setting is written."""

    def at(self, path: tuple[str | int, ...]) -> tuple[str, int]:
        """Return file and line of the setting at this path."""
        ...


class Problems:
    """Collects problems while the folder is read."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    @property
    def errors(self) -> list[Problem]:
        """Return the problems that stop a start."""
        return [problem for problem in self.found if problem.severity == "error"]

    def add(
        self,
        document: Positioned,
        path: tuple[str | int, ...],
        code: str,
        sentence: str,
        advice: str = "",
        *,
        severity: Literal["error", "warning"] = "error",
    ) -> None:
        """Add a problem at the place where a setting is written."""
        file, line = document.at(path)
        self.found.append(Problem(file, line, code, sentence, advice, severity))

    def add_error(self, error: ConfigurationError, file: str, line: int = 0) -> None:
        """Add an error of another room; its own place wins over the one given."""
        place = error.where.get("at", "") or error.where.get("file", "")
        named, _, number = place.rpartition(":")
        if named and number.isdigit():
            file, line = named, int(number)
        elif place:
            file, line = place, int(error.where.get("line", line))
        sentence = error.detail.removesuffix(f" ({file}:{line})")
        if error.path and error.path not in sentence:
            sentence = f"{error.path}: {sentence}"
        self.found.append(Problem(file, line, error.code, sentence, error.advice))

    @contextmanager
    def collect(self, document: Positioned, path: tuple[str | int, ...]) -> Iterator[None]:
        """Turn a ConfigurationError raised inside into a problem at this setting."""
        try:
            yield
        except ConfigurationError as error:
            file, line = document.at(path)
            self.add_error(error, file, line)

    def in_order(self) -> list[Problem]:
        """Return everything found, errors first, then by file and line."""
        return sorted(self.found, key=lambda one: (one.severity, one.file, one.line, one.code))
