"""Problems and test results in the forms that code hosts and build servers read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree as ET

from tillway import __version__
from tillway.cli.output import json_text
from tillway.errors import code_record
from tillway.project import Problem

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(problems: Sequence[Problem]) -> str:
    """Return problems as one SARIF 2.1.0 run."""
    driver = {
        "name": "tillway",
        "version": __version__,
        "rules": [_rule(code) for code in sorted({problem.code for problem in problems})],
    }
    run = {"tool": {"driver": driver}, "results": [_result(problem) for problem in problems]}
    return json_text({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]})


def junit(problems: Iterable[Problem], files: Iterable[str]) -> str:
    """Return problems as JUnit XML: one case per file, failed when the file has an error."""
    cases: dict[str, list[Problem]] = {file: [] for file in files}
    for problem in problems:
        cases.setdefault(problem.file, [])
        if problem.severity == "error":
            cases[problem.file].append(problem)
    texts = {
        file: [f"{one.at} {one.code} {one.sentence}\n{one.advice}" for one in found]
        for file, found in cases.items()
    }
    return junit_suite("tillway validate", texts)


def junit_suite(name: str, cases: dict[str, list[str]]) -> str:
    """Return a JUnit suite: case -> texts of what failed, none when it passed."""
    failed = sum(1 for texts in cases.values() if texts)
    suite = ET.Element("testsuite", name=name, tests=str(len(cases)), failures=str(failed))
    for case, texts in cases.items():
        element = ET.SubElement(suite, "testcase", classname=name, name=case)
        if texts:
            first = texts[0].partition("\n")[0]
            ET.SubElement(element, "failure", message=first).text = "\n".join(texts)
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True)


def _rule(code: str) -> dict[str, object]:
    record = code_record(code)
    rule: dict[str, object] = {"id": code}
    if record:
        rule["shortDescription"] = {"text": record.title}
        rule["fullDescription"] = {"text": record.happened}
        rule["help"] = {"text": record.advice}
    return rule


def _result(problem: Problem) -> dict[str, object]:
    place: dict[str, object] = {"artifactLocation": {"uri": problem.file}}
    if problem.line:
        place["region"] = {"startLine": problem.line}
    return {
        "ruleId": problem.code,
        "level": problem.severity,
        "message": {"text": f"{problem.sentence}. {problem.advice}".strip()},
        "locations": [{"physicalLocation": place}],
    }
