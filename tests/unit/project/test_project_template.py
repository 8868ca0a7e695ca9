"""A new project is complete, fit to run, and has keys that only its owner can read."""

from __future__ import annotations

import json
import random
import re
import stat

import pytest

from tillway.errors import ConfigurationError
from tillway.project import load_project
from tillway.project.template import KEYS_FILE, Variables, new_project, template_names
from tillway.security.keys import key_digest

VARIABLES = Variables("corner", 8181, 9191)


def seeded(seed=1):
    """Return random bytes that are the same in every run."""
    return random.Random(seed).randbytes


@pytest.mark.parametrize("template", template_names())
def test_a_new_project_is_fit_to_run(tmp_path, template):
    """Every template loads without an error or a warning, secrets included."""
    new_project(tmp_path / "new", template, VARIABLES, seeded())
    project = load_project(tmp_path / "new", environ={})
    assert project.warnings == ()
    assert project.release.hub.name == "corner"
    assert project.release.hub.listen_port == 8181


def test_no_variable_is_left_in_a_new_project(tmp_path):
    """Every `{{...}}` was filled."""
    new_project(tmp_path / "new", "pos-erp", VARIABLES, seeded())
    for file in (tmp_path / "new").rglob("*"):
        if file.is_file():
            assert b"{{" not in file.read_bytes(), file
    assert "9191" in (tmp_path / "new/systems/erp.toml").read_text("utf-8")


def test_store_keys_are_kept_apart_from_their_digests(tmp_path):
    """stores.csv holds the SHA-256, the key itself is in a file only its owner reads."""
    made = new_project(tmp_path / "new", "pos-erp", VARIABLES, seeded())
    keys = json.loads((tmp_path / "new" / KEYS_FILE).read_text("utf-8"))["stores"]
    release = load_project(tmp_path / "new", environ={}).release
    assert keys
    assert set(keys) == set(made.stores_with_keys)
    for store, key in keys.items():
        assert release.stores[store].api_key_sha256 == key_digest(key)
    written = (tmp_path / "new/stores.csv").read_text("utf-8")
    assert not any(key in written for key in keys.values())


def test_the_sale_of_the_readme_can_be_sent(tmp_path):
    """The key it takes from the file is that of the shop in the sample, and the door is there."""
    new_project(tmp_path / "new", "pos-erp", VARIABLES, seeded())
    readme = (tmp_path / "new/README.md").read_text("utf-8")
    sample, port, door = re.search(r"@(\S+) http://127\.0\.0\.1:(\d+)(\S+)", readme).groups()
    store = json.loads((tmp_path / "new" / sample).read_text("utf-8"))["storeNo"]
    project = load_project(tmp_path / "new", environ={}).release
    assert f'open("{KEYS_FILE}"))["stores"]["{store}"]' in readme
    assert store in json.loads((tmp_path / "new" / KEYS_FILE).read_text("utf-8"))["stores"]
    assert int(port) == project.hub.listen_port
    assert f'path = "{door}"' in (tmp_path / "new/systems/quayside.toml").read_text("utf-8")


def test_secret_files_are_for_their_owner_alone_and_ignored_by_git(tmp_path):
    """Mode 0600, and both are in .gitignore."""
    new_project(tmp_path / "new", "pos-erp", VARIABLES, seeded())
    for name in ("secrets.toml", KEYS_FILE):
        assert stat.S_IMODE((tmp_path / "new" / name).stat().st_mode) == 0o600
    ignored = (tmp_path / "new/.gitignore").read_text("utf-8").split()
    assert "secrets.toml" in ignored
    assert ".state/" in ignored


def test_two_projects_never_share_a_secret(tmp_path):
    """Keys come from the randomness given; the same seed gives the same, another one does not."""
    for name, seed in (("one", 1), ("two", 2), ("again", 1)):
        new_project(tmp_path / name, "pos-erp", VARIABLES, seeded(seed))
    one, two, again = (
        (tmp_path / name / "secrets.toml").read_text("utf-8") for name in ("one", "two", "again")
    )
    assert one != two
    assert one == again


def test_nothing_is_written_over(tmp_path):
    """A folder that holds something is refused and left as it is."""
    (tmp_path / "mine.txt").write_text("keep", "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        new_project(tmp_path, "pos-erp", VARIABLES, seeded())
    assert caught.value.code == "TW-1004"
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_an_unknown_template_is_told(tmp_path):
    """The nearest name is offered."""
    with pytest.raises(ConfigurationError) as caught:
        new_project(tmp_path / "new", "pos-epr", VARIABLES, seeded())
    assert caught.value.code == "TW-1005"
    assert '"pos-erp"' in caught.value.advice
    assert not (tmp_path / "new").exists()
