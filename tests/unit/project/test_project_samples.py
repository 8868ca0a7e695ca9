"""Golden samples run through the code that maps real messages, and say exactly what differs."""

from __future__ import annotations

import json

import pytest

from project_folder import ENVIRON, write_project
from tillway.project import load_release
from tillway.project.differences import differences
from tillway.project.samples import run_samples

RECORD = {
    "kind": "CONTROL",
    "store": "0001",
    "till": "3",
    "day": "2026-11-20",
    "number": 7,
    "event": "LOGIN",
}


@pytest.fixture
def folder(tmp_path):
    """A project with one input for the table `tills-control`."""
    write_project(tmp_path)
    samples = tmp_path / "mappings/tills-control.tests"
    samples.mkdir()
    (samples / "login.in").write_text(json.dumps(RECORD), "utf-8")
    return tmp_path


def results(folder, **options):
    """Run every sample of the folder."""
    return list(run_samples(load_release(folder, environ=ENVIRON), **options))


def test_a_sample_without_expectation_fails_until_it_is_accepted(folder):
    """Accept writes what came out; from then on it is the expectation."""
    assert results(folder)[0].wrong == ("login.out is missing",)
    assert results(folder, accept=True)[0].accepted
    assert results(folder)[0].passed
    written = json.loads((folder / "mappings/tills-control.tests/login.out").read_text("utf-8"))
    assert written["control_type"] == "sign_on"


def test_a_difference_names_path_and_both_values(folder):
    """A changed table fails its sample with the place that changed."""
    results(folder, accept=True)
    table = folder / "mappings/tills-control.toml"
    table.write_text(table.read_text("utf-8").replace("'till'", "'store'"), "utf-8")
    assert results(folder)[0].wrong == ("workstation_id: expected '3', found '0001'",)


def test_a_record_that_breaks_the_mapping_shows_its_violations(folder):
    """A sample may expect violations: an unknown code is one."""
    (folder / "mappings/tills-control.tests/login.in").write_text(
        json.dumps({**RECORD, "event": "DANCE"}), "utf-8"
    )
    results(folder, accept=True)
    written = json.loads((folder / "mappings/tills-control.tests/login.out").read_text("utf-8"))
    assert written["violations"][0]["path"] == "control_type"


def test_a_record_for_another_table_is_told(folder):
    """An input that no selector gives to this table tests nothing, so it fails."""
    (folder / "mappings/tills-control.tests/login.in").write_text(
        json.dumps({**RECORD, "kind": "SALE"}), "utf-8"
    )
    assert "no record of the input" in results(folder)[0].wrong[0]


def test_an_input_that_cannot_be_read_is_told(folder):
    """Broken JSON fails the sample with the reason."""
    (folder / "mappings/tills-control.tests/login.in").write_text('{"kind": ', "utf-8")
    assert "cannot be read" in results(folder)[0].wrong[0]


def test_a_target_table_is_tested_with_canonical_json(folder):
    """The input is the canonical message, the output is what the target gets."""
    samples = folder / "mappings/ledger-document.tests"
    samples.mkdir()
    body = {"business_unit_id": "0001", "sequence_number": 7, "control_type": "sign_on"}
    (samples / "one.in").write_text(json.dumps(body), "utf-8")
    (samples / "one.out").write_text('{"reference": "0001:7", "what": "sign_on"}', "utf-8")
    assert results(folder, names=["ledger-document"])[0].passed


def test_contract_samples_must_meet_the_contract_unless_named_invalid(folder):
    """A sample called invalid-... must break it: both directions are checked."""
    results(folder, accept=True)
    good = (folder / "mappings/tills-control.tests/login.out").read_text("utf-8")
    samples = folder / "contracts/control.recorded/samples"
    samples.mkdir()
    (samples / "good.json").write_text(good, "utf-8")
    (samples / "invalid-type.json").write_text(good.replace("sign_on", "dance"), "utf-8")
    (samples / "invalid-but-good.json").write_text(good, "utf-8")
    (samples / "wrong.json").write_text(good.replace("sign_on", "dance"), "utf-8")
    passed = {one.file.rpartition("/")[2]: one.passed for one in results(folder)}
    assert passed["good.json"]
    assert passed["invalid-type.json"]
    assert not passed["invalid-but-good.json"]
    assert not passed["wrong.json"]


def test_differences_tell_true_from_one():
    """JSON true is not 1, though Python thinks so."""
    assert list(differences({"a": True}, {"a": 1})) == ["a: expected True, found 1"]
    assert not list(differences({"a": [1, {"b": "x"}]}, {"a": [1, {"b": "x"}]}))
