"""A folder that is right becomes one immutable release."""

from __future__ import annotations

import pytest

from project_folder import ENVIRON, write_project
from tillway.errors import ConfigurationError
from tillway.project import load_project, load_release
from tillway.project.records import Masking


def test_every_file_of_the_folder_reaches_the_release(tmp_path):
    """Systems, routes, policies, tables, contracts and stores are all there under their names."""
    release = load_release(write_project(tmp_path), environ=ENVIRON)
    assert set(release.sources) == {"tills"}
    assert set(release.targets) == {"ledger"}
    assert set(release.routes) == {"to-ledger"}
    assert set(release.mappings) == {"tills-control", "ledger-document"}
    assert set(release.contracts) == {"control.recorded"}
    assert set(release.stores) == {"0001", "0002"}
    assert release.retries["standard"].base_seconds == 2.0
    assert release.breakers["standard"].probe_seconds == (1, 5)


def test_a_source_keeps_what_its_file_says(tmp_path):
    """Selectors are compiled, and the sequence policy and settings are taken over."""
    source = load_release(write_project(tmp_path), environ=ENVIRON).sources["tills"]
    assert source.records[0].when({"kind": "CONTROL"})
    assert not source.records[0].when({"kind": "SALE"})
    assert source.sequence_reset == "wrap_at_9999"
    assert source.masking == Masking(("stripe",), ("clerk",), ("shelf",))
    assert source.settings == {"path": "/in/tills"}
    assert source.dialect == "none"


def test_a_target_keeps_its_limits_and_class(tmp_path):
    """Rate, concurrency and delivery class are what the file says."""
    target = load_release(write_project(tmp_path), environ=ENVIRON).targets["ledger"]
    assert (target.rate_per_second, target.concurrency, target.delivery_class) == (20.0, 4, "A")


def test_a_route_filters_and_names_its_lane(tmp_path):
    """The filter and the lane key are functions of the canonical body."""
    route = load_release(write_project(tmp_path), environ=ENVIRON).routes["to-ledger"]
    assert route.filter({"control_type": "sign_on"})
    assert not route.filter({"control_type": "no_sale"})
    assert route.lane_key({"business_unit_id": "0001", "workstation_id": "3"}) == "0001:3"


def test_the_digest_is_the_same_for_the_same_files(tmp_path):
    """Two copies of one folder are the same release, wherever they lie."""
    first = load_release(write_project(tmp_path / "one"), environ=ENVIRON)
    second = load_release(write_project(tmp_path / "two"), environ=ENVIRON)
    assert first.digest == second.digest
    assert len(first.digest) == 64


def test_the_digest_changes_with_any_file_and_any_override(tmp_path):
    """A changed byte or an override makes another release; a secret's value does not."""
    folder = write_project(tmp_path)
    before = load_release(folder, environ=ENVIRON).digest
    other_key = {"TILLWAY_SECRET_PSEUDONYM_KEY": "another"}
    assert load_release(folder, environ=other_key).digest == before
    assert load_release(folder, overrides=["listen.port=9000"], environ=ENVIRON).digest != before
    codes = folder / "codes/control.csv"
    codes.write_text(codes.read_text("utf-8") + "X,sign_off\n", "utf-8")
    assert load_release(folder, environ=ENVIRON).digest != before


def test_files_that_do_not_matter_leave_the_digest_alone(tmp_path):
    """State, samples and notes in the folder are not part of the release."""
    folder = write_project(tmp_path)
    before = load_release(folder, environ=ENVIRON).digest
    (folder / ".state").mkdir()
    (folder / ".state/journal.db").write_bytes(b"x")
    (folder / "README.md").write_text("hello", "utf-8")
    assert load_release(folder, environ=ENVIRON).digest == before


def test_a_release_cannot_be_changed(tmp_path):
    """Nothing can be added to a release that a running hub uses."""
    release = load_release(write_project(tmp_path), environ=ENVIRON)
    with pytest.raises(TypeError):
        release.stores["0009"] = None
    with pytest.raises(AttributeError):
        release.digest = ""


def test_a_folder_without_tillway_toml_is_no_project(tmp_path):
    """The error says what to do, and is not a list of a hundred missing things."""
    with pytest.raises(ConfigurationError) as caught:
        load_release(tmp_path, environ={})
    assert caught.value.code == "TW-1107"


def test_standard_policies_exist_without_their_files(tmp_path):
    """A small project needs no policy files."""
    folder = write_project(tmp_path)
    (folder / "policies/retry.toml").unlink()
    (folder / "policies/breaker.toml").unlink()
    release = load_release(folder, environ=ENVIRON)
    assert release.retries["standard"].kind == "exponential_full_jitter"
    assert release.breakers["standard"].failures == 5


def test_what_is_not_used_is_a_warning(tmp_path):
    """An unused table or target never stops a start, but is told."""
    folder = write_project(tmp_path)
    (folder / "codes/spare.csv").write_text("source,canonical\nA,b\n", "utf-8")
    (folder / "mappings/spare.toml").write_text(
        'output = "x"\nversion = 1\n[map]\na = "b"\n', "utf-8"
    )
    warnings = load_project(folder, environ=ENVIRON).warnings
    assert {(one.code, one.at) for one in warnings} == {
        ("TW-1210", "mappings/spare.toml"),
        ("TW-1211", "codes/spare.csv"),
    }
    assert not load_project(write_project(tmp_path / "clean"), environ=ENVIRON).warnings
