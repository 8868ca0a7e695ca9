"""Puts the values of `${secret:name}` into settings, one by one, so that each place is told.

With values not needed (`validate`), a secret that is not here is remembered and stays unset.
"""

from __future__ import annotations

from typing import Any

from tillway.errors import ConfigurationError
from tillway.project.documents import Document
from tillway.project.problems import Problems
from tillway.project.toml_lines import SettingPath
from tillway.security.secrets import Secret, SecretResolver, secret_names

NOT_SET = "TW-8102"
UNSET = Secret("unset")
"""Stands in for a secret that is not here while a project is only checked."""


class SecretFiller:
    """Fills documents in place."""

    def __init__(self, resolver: SecretResolver, problems: Problems, *, needed: bool) -> None:
        self._resolver = resolver
        self._problems = problems
        self._needed = needed
        self.unset: list[str] = []

    def fill(self, document: Document) -> None:
        """Replace every reference in a document."""
        document.values = self._filled(document.values, document, ())

    def _filled(self, value: Any, document: Document, path: SettingPath) -> Any:
        if isinstance(value, dict):
            return {
                name: self._filled(part, document, (*path, name)) for name, part in value.items()
            }
        if isinstance(value, list):
            return [
                self._filled(part, document, (*path, index)) for index, part in enumerate(value)
            ]
        if isinstance(value, str) and secret_names(value):
            return self._secret(value, document, path)
        return value

    def _secret(self, text: str, document: Document, path: SettingPath) -> Any:
        try:
            return self._resolver.fill(text)
        except ConfigurationError as error:
            if error.code == NOT_SET and not self._needed:
                self.unset += secret_names(text)
            else:
                self._problems.add(document, path, error.code, error.detail, error.advice)
            return UNSET
