"""Secrets are resolved where they are used, missing ones are told by name, none is ever shown."""

from __future__ import annotations

import pytest

from project_folder import ENVIRON, write_project
from tillway.project import ProjectErrors, load_project, load_release
from tillway.security.secrets import Secret


def test_a_secret_is_resolved_and_does_not_show_itself(tmp_path):
    """The value is usable and its representation is not."""
    key = load_release(write_project(tmp_path), environ=ENVIRON).hub.pseudonym_key
    assert isinstance(key, Secret)
    assert key.reveal() == "not-a-real-key"
    assert "not-a-real-key" not in repr(key)


def test_a_missing_secret_stops_a_start_and_not_a_check(tmp_path):
    """`run` needs every value; `validate` only lists what is not set here."""
    folder = write_project(tmp_path)
    with pytest.raises(ProjectErrors) as caught:
        load_release(folder, environ={})
    assert [(one.code, one.at) for one in caught.value.problems] == [("TW-8102", "tillway.toml:9")]
    checked = load_project(folder, environ={}, secrets_needed=False)
    assert checked.unset_secrets == ("pseudonym_key",)


def test_a_secrets_file_that_others_may_read_is_refused(tmp_path):
    """The mode is checked, and 0600 is fine."""
    folder = write_project(tmp_path)
    file = folder / "secrets.toml"
    file.write_text('pseudonym_key = "planted-secret"\n', "utf-8")
    file.chmod(0o644)
    with pytest.raises(ProjectErrors) as caught:
        load_release(folder, environ={})
    assert [one.code for one in caught.value.problems] == ["TW-8103"]
    assert "planted-secret" not in str(caught.value.as_json())
    file.chmod(0o600)
    assert load_release(folder, environ={}).hub.pseudonym_key.reveal() == "planted-secret"
