"""Settings are laid over one another in a fixed order, and doctor can say where each came from."""

from __future__ import annotations

import pytest

from project_folder import ENVIRON, write_project
from tillway.project import ProjectErrors, load_release


def test_the_last_layer_wins(tmp_path):
    """File, then env file, then environment variable, then --set."""
    folder = write_project(tmp_path)
    (folder / "env").mkdir()
    (folder / "env/prod.toml").write_text("[listen]\nport = 1\nhost = '0.0.0.0'\n", "utf-8")
    environ = {**ENVIRON, "TILLWAY__LISTEN__PORT": "2"}
    assert load_release(folder, environ=ENVIRON).hub.listen_port == 8080
    assert load_release(folder, environment="prod", environ=ENVIRON).hub.listen_port == 1
    assert load_release(folder, environment="prod", environ=environ).hub.listen_port == 2
    release = load_release(folder, environment="prod", environ=environ, overrides=["listen.port=3"])
    assert release.hub.listen_port == 3
    assert release.hub.listen_host == "0.0.0.0"


def test_every_setting_says_where_it_came_from(tmp_path):
    """The origin is a file and line, a variable, an option, or the default."""
    folder = write_project(tmp_path)
    environ = {**ENVIRON, "TILLWAY__LISTEN__HOST": "::1"}
    origins = load_release(folder, environ=environ, overrides=["listen.port=3"]).hub.origins
    assert origins["name"] == "tillway.toml:1"
    assert origins["listen_port"] == "--set listen.port"
    assert origins["listen_host"] == "TILLWAY__LISTEN__HOST"
    assert origins["drain_seconds"] == "default"


def test_systems_and_routes_can_be_overridden_too(tmp_path):
    """Names with hyphens are reached from a variable, where only underscores are possible."""
    folder = write_project(tmp_path)
    environ = {
        **ENVIRON,
        "TILLWAY__SYSTEMS__LEDGER__TARGET__SETTINGS__URL": "http://erp.example",
        "TILLWAY__ROUTES__TO_LEDGER__START": "2026-11-20",
    }
    release = load_release(folder, environ=environ)
    assert release.targets["ledger"].settings["url"] == "http://erp.example"
    assert release.routes["to-ledger"].start == "2026-11-20"


def test_a_number_laid_over_a_text_is_a_text(tmp_path):
    """`--set name=0145` keeps its zeros, whatever the shell made of it."""
    release = load_release(write_project(tmp_path), environ=ENVIRON, overrides=["name=7"])
    assert release.hub.name == "7"


@pytest.mark.parametrize(
    ("override", "code"),
    [
        ("listen.prt=1", "TW-1102"),
        ("systems.ledgr.target.breaker=x", "TW-1105"),
        ("systems=x", "TW-1105"),
        ("listen.port", "TW-1105"),
    ],
)
def test_an_override_of_nothing_is_refused(tmp_path, override, code):
    """A misspelt override does not vanish in silence."""
    with pytest.raises(ProjectErrors) as caught:
        load_release(write_project(tmp_path), environ=ENVIRON, overrides=[override])
    assert [(one.code, "--set" in one.at) for one in caught.value.problems] == [(code, True)]


def test_an_unknown_environment_is_refused(tmp_path):
    """`--env prd` names the environments there are."""
    folder = write_project(tmp_path)
    (folder / "env").mkdir()
    (folder / "env/prod.toml").write_text("", "utf-8")
    with pytest.raises(ProjectErrors) as caught:
        load_release(folder, environment="prd", environ=ENVIRON)
    assert "prod" in caught.value.problems[0].advice
