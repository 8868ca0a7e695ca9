"""What is installed here is held against what the folder asks for."""

from __future__ import annotations

import pytest

from project_folder import ENVIRON, write_project
from tillway.connect import Registration
from tillway.project import ProjectErrors, connections, load_project, load_release


def test_a_connector_that_cannot_be_imported_here_is_a_warning(tmp_path, monkeypatch):
    """The machine that checks a folder need not have every library; the one that runs it must."""

    def missing(name):
        raise ImportError(f"no library for {name}")

    monkeypatch.setattr(connections, "connector", missing)
    warnings = load_project(write_project(tmp_path), environ=ENVIRON).warnings
    assert {(one.code, one.at) for one in warnings} == {
        ("TW-1114", "systems/ledger.toml:2"),
        ("TW-1114", "systems/tills.toml:4"),
    }


def test_a_connector_is_used_only_in_the_direction_it_has(tmp_path, monkeypatch):
    """One that can neither send nor take is refused in both places."""
    monkeypatch.setattr(connections, "connector", lambda name: Registration(name, "does nothing"))
    with pytest.raises(ProjectErrors) as caught:
        load_release(write_project(tmp_path), environ=ENVIRON)
    assert {one.sentence for one in caught.value.problems if one.code == "TW-1111"} == {
        'connector "http" cannot send messages',
        'connector "http" cannot take messages',
    }


def test_two_sources_cannot_ask_for_two_versions_of_one_contract(tmp_path):
    """A release checks a message type against one version; the same version is fine."""
    folder = write_project(tmp_path)
    first = folder / "contracts/control.recorded/v1.odcs.yaml"
    second = first.with_name("v2.odcs.yaml")
    second.write_text(first.read_text("utf-8").replace("1.0.0", "2.0.0"), "utf-8")
    system = (folder / "systems/tills.toml").read_text("utf-8").replace("/in/tills", "/in/kiosks")
    kiosks = folder / "systems/kiosks.toml"
    kiosks.write_text(system, "utf-8")
    release = load_release(folder, environ=ENVIRON)
    assert release.contracts["control.recorded"].version == 1
    kiosks.write_text(
        system.replace('format = "json"', 'format = "json"\ncontract_version = 2'), "utf-8"
    )
    with pytest.raises(ProjectErrors) as caught:
        load_release(folder, environ=ENVIRON)
    assert [one.code for one in caught.value.problems] == ["TW-1213"]
