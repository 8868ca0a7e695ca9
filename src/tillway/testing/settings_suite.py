"""What every connector promises about its settings: documented, spelled right, secrets by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

import msgspec
import pytest

from tillway.connect.kit import Registration
from tillway.connect.settings import describe, settings_from
from tillway.errors import ConfigurationError
from tillway.security.secrets import Secret


class SettingsSuite:
    """Runs over the settings of one half of a registration: of its source or of its target."""

    registration: ClassVar[Registration]
    half: ClassVar[Literal["source", "target"]]

    def settings(self) -> Mapping[str, Any]:
        """Return settings as the project would pass them, secrets resolved."""
        raise NotImplementedError

    def settings_type(self) -> type[msgspec.Struct]:
        """Return the Struct of the half under test."""
        found = (
            self.registration.source_settings
            if self.half == "source"
            else self.registration.target_settings
        )
        assert found is not None, f"{self.registration.name} has no {self.half}"
        return found

    def test_every_setting_is_explained(self) -> None:
        """Each setting says what it means; a required or secret one has an example."""
        for field in describe(self.settings_type()):
            assert field.meaning, field.name
            assert field.example or not (field.required or field.secret), field.name

    def test_an_unknown_setting_is_refused_with_the_nearest(self) -> None:
        """A misspelled setting stops the start and the right spelling is offered."""
        name = describe(self.settings_type())[0].name
        with pytest.raises(ConfigurationError) as caught:
            settings_from(self.settings_type(), {name + "x": "a"}, "systems/test.toml")
        assert caught.value.code == "TW-4180"
        assert f'Did you mean "{name}"?' in caught.value.advice

    def test_a_secret_written_down_is_refused(self) -> None:
        """A literal in a secret field is refused, and its text is not repeated."""
        for field in describe(self.settings_type()):
            if field.secret:
                with pytest.raises(ConfigurationError) as caught:
                    settings_from(self.settings_type(), {field.name: "hunter2"}, "test")
                assert caught.value.code == "TW-8101"
                assert "hunter2" not in repr(caught.value.as_json())

    def test_settings_do_not_show_their_secrets(self) -> None:
        """The text form of settings hides every secret."""
        shown = repr(settings_from(self.settings_type(), self.settings(), "test"))
        hidden = [secret.reveal() for secret in _secrets_in(self.settings())]
        assert [text for text in hidden if text in shown] == []


def _secrets_in(value: Any) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _secrets_in(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _secrets_in(part)
