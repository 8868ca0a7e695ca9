"""Whatever is wrong in a folder is told with its file and line, and all of it at once."""

from __future__ import annotations

import pytest

from project_folder import ENVIRON, write_project
from tillway.errors import all_codes
from tillway.project import ProjectErrors, load_release

BROKEN = [
    ("tillway_toml", ("name =", "nme ="), "TW-1102", "tillway.toml:1", '"name"'),
    ("tillway_toml", ('name = "corner"', ""), "TW-1104", "tillway.toml", "name"),
    ("tillway_toml", ("8080", '"8080"'), "TW-1103", "tillway.toml:6", "whole number"),
    ("tillway_toml", ("8080", "70000"), "TW-1103", "tillway.toml:6", "65535"),
    ("tillway_toml", ("Europe/Amsterdam", "Europe/Nowhere"), "TW-1112", "tillway.toml:2", ""),
    ("tillway_toml", ("[listen]", "[listen"), "TW-1106", "tillway.toml:4", "column"),
    ("tillway_toml", ("${secret:pseudonym_key}", "plain"), "TW-8101", "tillway.toml:9", ""),
    ("systems_tills_toml", ('"http"', '"htp"'), "TW-1101", "systems/tills.toml:4", '"http"'),
    ("systems_tills_toml", ('"json"', '"jsn"'), "TW-3001", "systems/tills.toml:5", '"json"'),
    ("systems_tills_toml", ("path =", "pth ="), "TW-4180", "systems/tills.toml:8", '"path"'),
    (
        "systems_tills_toml",
        ('mapping = "tills-control"', 'mapping = "tills-contrl"'),
        "TW-1204",
        "systems/tills.toml:12",
        '"tills-control"',
    ),
    (
        "systems_tills_toml",
        ('mapping = "tills-control"', 'mapping = "ledger-document"'),
        "TW-1205",
        "systems/tills.toml:12",
        "message_type",
    ),
    ("systems_tills_toml", ("kind ==", "knd("), "TW-3303", "systems/tills.toml:11", ""),
    ("systems_tills_toml", ("wrap_at_9999", "weekly"), "TW-1103", "systems/tills.toml:16", "daily"),
    (
        "systems_tills_toml",
        ('format = "json"', 'format = "json"\ncontract_version = 3'),
        "TW-1203",
        "systems/tills.toml:6",
        "version 1",
    ),
    ("systems_ledger_toml", ('"A"', '"E"'), "TW-1103", "systems/ledger.toml:3", "A, B, C or D"),
    ("systems_ledger_toml", ('"A"', '"A"\nbreaker = "x"'), "TW-1206", "systems/ledger.toml:4", ""),
    ("systems_ledger_toml", ("concurrency = 4", "concurrency = 0"), "TW-1103", "", "at least 1"),
    ("routes_to_ledger_toml", ('"ledger"', '"ledgr"'), "TW-1201", "routes/to-ledger.toml:2", ""),
    (
        "routes_to_ledger_toml",
        ('["control.', '["contrl.'),
        "TW-1202",
        "routes/to-ledger.toml:1",
        "",
    ),
    (
        "routes_to_ledger_toml",
        ('"ledger-document"', '"tills-control"'),
        "TW-1205",
        "routes/to-ledger.toml:3",
        "output",
    ),
    ("routes_to_ledger_toml", ("[lane]", 'start = "soon"\n[lane]'), "TW-1103", "", "2026-11-20"),
    ("routes_to_ledger_toml", ("[lane]", 'retry = "slow"\n[lane]'), "TW-1206", "", "standard"),
    ("stores_csv", ("0002,", "0001,"), "TW-1208", "stores.csv:3", ""),
    ("stores_csv", ("DE,EUR,tills", "DE,EUR,till"), "TW-1207", "stores.csv:3", '"tills"'),
    ("stores_csv", ("Europe/Berlin", "Berlin"), "TW-1112", "stores.csv:3", ""),
    ("stores_csv", ("DE,EUR", "DE,EURO"), "TW-1209", "stores.csv:3", "EURO"),
    ("stores_csv", ("country,", "land,"), "TW-1209", "stores.csv:1", '"country"'),
    ("codes_control_csv", ("canonical", "canon"), "TW-3309", "codes/control.csv:1", ""),
    (
        "codes_control_csv",
        ("DRAWER,no_sale", "DRAWER,nosale"),
        "TW-1222",
        "codes/control.csv",
        'Did you mean "no_sale"',
    ),
    (
        "mappings_tills_control_toml",
        ("sequence_number = 'integer(number)'\n", ""),
        "TW-1215",
        "systems/tills.toml:12",
        "sequence_number",
    ),
    ("systems_tills_toml", ('"stripe"', '"strip"'), "TW-8202", "systems/tills.toml", "stripe"),
    ("contracts_control_recorded_v1_odcs_yaml", ('"1.0.0"', '"2.0.0"'), "TW-1110", "", "v2"),
]


@pytest.mark.parametrize(("file", "change", "code", "at", "says"), BROKEN)
def test_a_wrong_file_is_told_with_code_place_and_advice(tmp_path, file, change, code, at, says):
    """One change gives the one problem that names it; the unchanged folder gives none."""
    load_release(write_project(tmp_path / "right"), environ=ENVIRON)
    folder = write_project(tmp_path / "wrong", **{file: change})
    with pytest.raises(ProjectErrors) as caught:
        load_release(folder, environ=ENVIRON)
    found = [one for one in caught.value.problems if one.code == code]
    assert found, [one.as_json() for one in caught.value.problems]
    assert any(at in one.at and says in f"{one.sentence} {one.advice}" for one in found), found
    assert code in all_codes()


def test_all_problems_of_a_folder_are_told_at_once(tmp_path):
    """Three files wrong in four places give four problems, in the order of files and lines."""
    folder = write_project(
        tmp_path,
        tillway_toml=("port = 8080", "prt = 8080"),
        routes_to_ledger_toml=('target = "ledger"', 'target = "x"\nmaping = "y"'),
        stores_csv=("Europe/Berlin", "Mars"),
    )
    with pytest.raises(ProjectErrors) as caught:
        load_release(folder, environ=ENVIRON)
    errors = [one for one in caught.value.problems if one.severity == "error"]
    assert [(one.code, one.at) for one in errors] == [
        ("TW-1201", "routes/to-ledger.toml:2"),
        ("TW-1102", "routes/to-ledger.toml:3"),
        ("TW-1112", "stores.csv:3"),
        ("TW-1102", "tillway.toml:6"),
    ]
    assert len(caught.value.parts) == 4


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("mappings/tills-control.toml", {"mappings_tills_control_toml": ("[map]", "[map")}),
        ("codes/control.csv", {"codes_control_csv": ("canonical", "canon")}),
    ],
)
def test_a_file_that_cannot_be_read_is_told_once(tmp_path, file, change):
    """A broken table is one problem, not one more for every file or row that names it."""
    folder = write_project(tmp_path, **change)
    with pytest.raises(ProjectErrors) as caught:
        load_release(folder, environ=ENVIRON)
    errors = [one for one in caught.value.problems if one.severity == "error"]
    assert [one.file for one in errors] == [file]


def test_a_file_in_another_encoding_is_told(tmp_path):
    """Text that is not UTF-8 is refused with the byte, not with a traceback."""
    folder = write_project(tmp_path)
    (folder / "stores.csv").write_bytes("0001,Café".encode("latin-1"))
    with pytest.raises(ProjectErrors) as caught:
        load_release(folder, environ=ENVIRON)
    assert "TW-1108" in {one.code for one in caught.value.problems}


def test_a_policy_file_nobody_reads_is_refused(tmp_path):
    """A misnamed policy file must not be believed to work."""
    folder = write_project(tmp_path)
    (folder / "policies/retries.toml").write_text("[standard]\n", "utf-8")
    with pytest.raises(ProjectErrors) as caught:
        load_release(folder, environ=ENVIRON)
    assert [one.at for one in caught.value.problems] == ["policies/retries.toml"]
