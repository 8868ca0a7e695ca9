"""Secrets are found by name, refused when others may read them, and never shown."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tillway.errors import ConfigurationError
from tillway.security import Secret, SecretResolver, secret_names


def secrets_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    """Write a secrets file."""
    file = folder / "secrets.toml"
    file.write_text(text)
    file.chmod(mode)
    return file


def test_a_secret_does_not_show_itself() -> None:
    """Text, repr and format strings give the mask; only reveal gives the value."""
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret}{secret!r}{secret!s}{secret:>20}{[secret]}"
    assert secret.reveal() == "hunter2"
    assert secret.encode() == b"hunter2"


def test_a_secret_of_a_secret_keeps_its_value() -> None:
    """Wrapping twice does not turn the value into the mask."""
    assert Secret(Secret("hunter2")).reveal() == "hunter2"


def test_settings_keep_a_secret_a_secret() -> None:
    """Converting settings does not unwrap what came from a reference."""

    class Settings(msgspec.Struct):
        token: str

    assert "hunter2" not in repr(msgspec.convert({"token": Secret("hunter2")}, Settings))


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    """A variable wins over the file of the project."""
    file = secrets_file(tmp_path, 'erp_token = "from-file"\nother = "kept"')
    resolver = SecretResolver({"TILLWAY_SECRET_ERP_TOKEN": "from-environment"}, file)
    assert resolver.resolve("erp_token").reveal() == "from-environment"
    assert resolver.resolve("other").reveal() == "kept"


def test_references_are_filled_everywhere_in_a_tree() -> None:
    """Tables, lists and texts with a reference inside are filled; the rest stays as it is."""
    resolver = SecretResolver({"TILLWAY_SECRET_A": "x", "TILLWAY_SECRET_B_C": "y"})
    tree = {"one": "${secret:a}", "list": ["${secret:b-c}", 3], "in": {"h": "Key ${secret:a}"}}
    filled = resolver.fill(tree)
    assert filled["one"].reveal() == "x"
    assert (filled["list"][0].reveal(), filled["list"][1]) == ("y", 3)
    assert filled["in"]["h"].reveal() == "Key x"
    assert secret_names(tree) == ["a", "b-c", "a"]


def test_a_missing_secret_is_named_with_the_places_looked(tmp_path: Path) -> None:
    """The error says which name, where to put it, and the nearest known one."""
    file = secrets_file(tmp_path, 'erp_token = "hush"')
    with pytest.raises(ConfigurationError) as caught:
        SecretResolver({}, file).resolve("erp_tokn")
    assert caught.value.code == "TW-8102"
    assert 'Did you mean "erp_token"?' in caught.value.advice
    assert "TILLWAY_SECRET_ERP_TOKN" in caught.value.advice
    assert "hush" not in repr(caught.value.as_json())


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    """Any right of group or others refuses the file; mode 600 is the control."""
    file = secrets_file(tmp_path, 'a = "hush"', mode)
    with pytest.raises(ConfigurationError) as caught:
        SecretResolver({}, file).resolve("a")
    assert caught.value.code == "TW-8103"
    file.chmod(0o600)
    assert SecretResolver({}, file).resolve("a").reveal() == "hush"


@pytest.mark.parametrize("text", ['a = "hush', "a = 1234567", '[a]\nb = "hush"'])
def test_a_broken_file_is_refused_without_quoting_it(tmp_path: Path, text: str) -> None:
    """The error does not repeat a line that may hold a secret."""
    with pytest.raises(ConfigurationError) as caught:
        SecretResolver({}, secrets_file(tmp_path, text)).resolve("a")
    assert caught.value.code == "TW-8104"
    assert "hush" not in repr(caught.value.as_json())
    assert "1234567" not in repr(caught.value.as_json())


def test_a_name_that_is_none_is_refused() -> None:
    """A reference with blanks or capitals is a mistake, not a missing secret."""
    with pytest.raises(ConfigurationError) as caught:
        SecretResolver({}).fill("${secret:My Token}")
    assert caught.value.code == "TW-8105"
