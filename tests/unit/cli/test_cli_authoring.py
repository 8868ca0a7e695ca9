"""The verbs for people who write a project: init, validate, test, doctor, explain, version."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from project_folder import write_project
from tillway.cli import exit_codes
from tillway.cli.app import run_verb
from tillway.errors import all_codes


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project that is right, as the current folder, with its secret set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TILLWAY_SECRET_PSEUDONYM_KEY", "x")
    return write_project(tmp_path)


def document(capsys):
    """Return what was printed as the one JSON document it has to be."""
    return json.loads(capsys.readouterr().out)


def test_init_makes_a_project_that_validates(tmp_path, capsys):
    """The five-minute start: two commands, no edits."""
    folder = str(tmp_path / "demo")
    assert run_verb(["init", folder, "--json"]) == exit_codes.DONE
    made = document(capsys)
    assert made["schema"] == "tillway.init/1"
    assert "tillway.toml" in made["files"]
    assert run_verb(["validate", "--project", folder]) == exit_codes.DONE
    assert run_verb(["init", folder]) == exit_codes.FAILED


def test_validate_says_when_all_is_well(project, capsys):
    """The number of files and the release are shown."""
    assert run_verb(["validate"]) == exit_codes.DONE
    assert "ok: 11 files" in capsys.readouterr().out


def test_validate_needs_no_secret_values(project, monkeypatch, capsys):
    """A build server has none; what is missing is named, and the check passes."""
    monkeypatch.delenv("TILLWAY_SECRET_PSEUDONYM_KEY")
    assert run_verb(["validate", "--json"]) == exit_codes.DONE
    assert document(capsys)["unset_secrets"] == ["pseudonym_key"]


def test_validate_lists_every_problem(project, capsys):
    """1 for errors; each with place, code and advice."""
    write_project(project, tillway_toml=("port =", "prt ="), stores_csv=("Europe/Berlin", "Mars"))
    assert run_verb(["validate"]) == exit_codes.FAILED
    shown = capsys.readouterr()
    assert "TW-1102" in shown.out
    assert "tillway.toml:6" in shown.out
    assert "stores.csv:3" in shown.out
    assert "2 wrong" in shown.err


def test_validate_finds_an_audit_rule_that_nobody_knows(tmp_path, capsys):
    """What the hub would refuse at its start is found before, with line and nearest name."""
    folder = tmp_path / "chain"
    assert run_verb(["init", str(folder)]) == exit_codes.DONE
    file = folder / "recon" / "store-day.toml"
    file.write_text(file.read_text().replace("[rules.OVER_SHORT]", "[rules.OVER_SHOT]"))
    line = file.read_text().splitlines().index("[rules.OVER_SHOT]") + 1
    capsys.readouterr()
    assert run_verb(["validate", "--project", str(folder), "--json"]) == exit_codes.FAILED
    [problem] = document(capsys)["problems"]
    assert (problem["code"], problem["line"]) == ("TW-6900", line)
    assert 'Did you mean "OVER_SHORT"?' in problem["advice"]


def test_validate_with_only_warnings_leaves_with_2(project, capsys):
    """Done, and there is something to look at."""
    (project / "codes/spare.csv").write_text("source,canonical\nA,b\n", "utf-8")
    assert run_verb(["validate", "--json"]) == exit_codes.ATTENTION
    assert [one["severity"] for one in document(capsys)["problems"]] == ["warning"]


def test_validate_writes_sarif(project, capsys):
    """One result per problem with rule, level and place."""
    write_project(project, tillway_toml=("port =", "prt ="))
    assert run_verb(["validate", "--format", "sarif"]) == exit_codes.FAILED
    (run,) = document(capsys)["runs"]
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("TW-1102", "error")
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "tillway.toml"
    assert place["region"]["startLine"] == 6
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["TW-1102"]


def test_validate_writes_junit(project, capsys):
    """A failed case per file with an error; all cases pass when all is well."""
    assert run_verb(["validate", "--format", "junit"]) == exit_codes.DONE
    assert ET.fromstring(capsys.readouterr().out).get("failures") == "0"
    write_project(project, tillway_toml=("port =", "prt ="))
    assert run_verb(["validate", "--format", "junit"]) == exit_codes.FAILED
    suite = ET.fromstring(capsys.readouterr().out)
    assert suite.get("failures") == "1"
    assert "TW-1102" in suite.find("testcase/failure").get("message")


def test_validate_outside_a_project_says_so(tmp_path, capsys):
    """The advice names --project and init."""
    assert run_verb(["validate", "--project", str(tmp_path)]) == exit_codes.FAILED
    assert "tillway init" in capsys.readouterr().err


def test_test_runs_the_samples_and_shows_the_difference(project, capsys):
    """0 when all pass, 1 with the path and both values when one differs."""
    samples = project / "mappings/ledger-document.tests"
    samples.mkdir()
    (samples / "a.in").write_text('{"business_unit_id": "1", "sequence_number": 7}', "utf-8")
    (samples / "a.out").write_text('{"reference": "1:8"}', "utf-8")
    assert run_verb(["test"]) == exit_codes.FAILED
    assert "reference: expected '1:8', found '1:7'" in capsys.readouterr().out
    (samples / "a.out").write_text('{"reference": "1:7"}', "utf-8")
    assert run_verb(["test", "ledger-document", "--json"]) == exit_codes.DONE
    assert document(capsys)["passed"] == 1
    assert run_verb(["test", "--format", "junit"]) == exit_codes.DONE
    assert ET.fromstring(capsys.readouterr().out).get("tests") == "1"


def test_test_says_how_an_input_breaks_the_mapping(project, capsys):
    """Beside the missing expectation stands why none came out; the control has no such line."""
    samples = project / "mappings/tills-control.tests"
    samples.mkdir()
    record = {"kind": "CONTROL", "store": "1", "till": "3", "day": "2026-11-20", "number": 7}
    (samples / "odd.in").write_text(json.dumps({**record, "event": "DANCE"}), "utf-8")
    assert run_verb(["test"]) == exit_codes.FAILED
    shown = capsys.readouterr().out
    assert "the input breaks the mapping: control_type (code): found DANCE" in shown
    assert "odd.out is missing" in shown
    (samples / "odd.in").write_text(json.dumps({**record, "event": "LOGIN"}), "utf-8")
    assert run_verb(["test"]) == exit_codes.FAILED
    assert "breaks the mapping" not in capsys.readouterr().out


def test_test_of_an_unknown_table_offers_the_nearest(project, capsys):
    """A misspelt name is not a passed test."""
    assert run_verb(["test", "ledger-documnt"]) == exit_codes.FAILED
    assert '"ledger-document"' in capsys.readouterr().err


def test_the_template_has_samples_that_pass(tmp_path, capsys):
    """What a newcomer copies shows how samples are written, and they hold."""
    run_verb(["init", str(tmp_path / "demo"), "--json"])
    capsys.readouterr()
    assert run_verb(["test", "--project", str(tmp_path / "demo"), "--json"]) == exit_codes.DONE
    assert document(capsys)["passed"] > 0


def test_doctor_looks_at_machine_and_project(project, capsys):
    """Each check has a state; settings say where they came from; no secret is shown."""
    code = run_verb(["doctor", "--json", "--set", "listen.port=9000"])
    printed = capsys.readouterr().out
    found = json.loads(printed)
    states = {check["name"]: check["state"] for check in found["checks"]}
    assert {"python", "sqlite", "clock", "disk", "flush", "project", "secrets"} <= set(states)
    assert states["sqlite"] == "ok"
    worst = {"failed": exit_codes.FAILED, "warning": exit_codes.ATTENTION}
    assert code == next((worst[s] for s in worst if s in states.values()), exit_codes.DONE)
    settings = {one["setting"]: one for one in found["settings"]}
    assert settings["listen_port"]["origin"] == "--set listen.port"
    assert settings["pseudonym_key"]["value"] == "(secret)"


def test_doctor_fails_for_a_project_that_cannot_run(project, capsys):
    """The problems are listed, and the machine is still looked at."""
    write_project(project, tillway_toml=("port =", "prt ="))
    assert run_verb(["doctor"]) == exit_codes.FAILED
    shown = capsys.readouterr().out
    assert "TW-1102" in shown
    assert "sqlite" in shown


def test_doctor_pings_connections_only_when_asked(project, capsys):
    """A target that does not answer is a warning: its messages would wait."""
    run_verb(["doctor", "--json"])
    assert not [one for one in document(capsys)["checks"] if one["name"].startswith("target")]
    assert run_verb(["doctor", "--connections", "--json"]) != exit_codes.DONE
    found = {check["name"]: check["state"] for check in document(capsys)["checks"]}
    assert found["target ledger"] == "warning"
    assert found["source tills"] == "ok"


def test_explain_knows_the_audit_rules(capsys):
    """A rule is explained by its name, and `rules` lists them with how grave each is by itself."""
    assert run_verb(["explain", "seq_gap", "--json"]) == exit_codes.DONE
    assert document(capsys)["code"] == "TW-6001"
    assert run_verb(["explain", "rules", "--json"]) == exit_codes.DONE
    severities = {one["id"]: one["severity"] for one in document(capsys)["rules"]}
    assert severities["SEQ_GAP"] == "error"
    assert severities["NO_SALE_RATE"] == "off"


@pytest.mark.parametrize("code", ["TW-1101", "tw-1101", "1101"])
def test_explain_knows_a_code_however_it_is_written(capsys, code):
    """Title, what happened, what was done, what to do."""
    assert run_verb(["explain", code, "--json"]) == exit_codes.DONE
    found = document(capsys)
    assert found["code"] == "TW-1101"
    assert found["advice"] == all_codes()["TW-1101"].advice


def test_explain_of_an_unknown_code_offers_near_ones(capsys):
    """Offline, from the table."""
    assert run_verb(["explain", "TW-1999"]) == exit_codes.FAILED
    assert "nearest" in capsys.readouterr().err


def test_every_code_can_be_explained(capsys):
    """No record breaks the printing, and none lacks a part."""
    for code, record in all_codes().items():
        assert run_verb(["explain", code]) == exit_codes.DONE
        shown = capsys.readouterr().out
        assert record.title in shown
        assert record.advice in shown


def test_version_names_what_decides_behaviour(capsys):
    """SQLite and the connectors are there."""
    assert run_verb(["version", "--json"]) == exit_codes.DONE
    found = document(capsys)
    assert found["sqlite"].startswith("3.")
    assert "http" in found["connectors"]
    assert run_verb(["version"]) == exit_codes.DONE


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_that_knows_the_verbs(capsys, shell):
    """Every verb can be completed in every shell."""
    assert run_verb(["completion", shell]) == exit_codes.DONE
    script = capsys.readouterr().out
    assert all(name in script for name in ("validate", "replay", "dlq"))


def test_run_refuses_to_start_with_a_wrong_project(project, capsys):
    """78 keeps a service manager from starting it again and again."""
    write_project(project, tillway_toml=("port =", "prt ="))
    assert run_verb(["run", "--seconds", "1"]) == exit_codes.NOT_STARTED
    assert "TW-1102" in capsys.readouterr().err


def test_the_ledger_template_validates_and_is_not_played(tmp_path, capsys):
    """`dev` stands in for an ERP called `erp`; a project without one hears so, with a code."""
    folder = str(tmp_path / "books")
    assert run_verb(["init", folder, "--template", "cloud-ledger"]) == exit_codes.DONE
    assert run_verb(["validate", "--project", folder]) == exit_codes.DONE
    assert run_verb(["dev", "--project", folder, "--seconds", "1"]) == exit_codes.NOT_STARTED
    assert "TW-7605" in capsys.readouterr().err
