"""`tillway test`: the golden samples of the project, through the code that maps real messages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import Parameter
from rich.console import Console

from tillway.cli import exit_codes
from tillway.cli.options import HERE, Environment, Json, Overrides, Project
from tillway.cli.output import emit, note, print_document, progress
from tillway.cli.reports import junit_suite
from tillway.errors import ConfigurationError, TillwayError, Violation
from tillway.project import Release, load_project
from tillway.project.samples import SampleResult, made_of, run_samples
from tillway.spelling import nearest


def samples(
    *names: str,
    project: Project = HERE,
    env: Environment = "",
    overrides: Overrides = (),
    format: Literal["human", "json", "junit"] = "human",  # noqa: A002 - its public name
    accept: Annotated[bool, Parameter(negative=())] = False,
    json: Json = False,
) -> int:
    """Run the golden samples of mapping tables and contracts; leaves with 1 when one differs.

    Example: tillway test quayside-sale

    Parameters
    ----------
    names
        Tables or message types to test; all by default.
    format
        human, json or junit (for build servers).
    accept
        Write what came out as the new expectation. Read the diff before you commit it.
    """
    release = load_project(
        project, environment=env, overrides=overrides, environ=os.environ, secrets_needed=False
    ).release
    known = [*release.mappings, *release.contracts]
    for name in names:
        if name not in known:
            advice = f"{nearest(name, known)}Known: {', '.join(sorted(known))}."
            raise ConfigurationError(
                "TW-1007", f'nothing to test is called "{name}"', advice=advice
            )
    results = []
    with progress("samples") as advance:
        for result in run_samples(release, names, accept=accept):
            results.append(_explained(release, result))
            advance(1)
    if format == "junit" and not json:
        print_document(junit_suite("tillway test", {one.file: list(one.wrong) for one in results}))
    else:
        data = _data(results)
        emit("test", data, lambda console: _draw(console, data), json or format == "json")
    return exit_codes.DONE if all(one.passed for one in results) else exit_codes.FAILED


def _explained(release: Release, result: SampleResult) -> SampleResult:
    """Add the violations of the input to a sample that failed; without them the cause is hidden."""
    folder, _, _ = result.file.rpartition("/")
    kind, _, tests = folder.partition("/")
    if result.passed or kind != "mappings":
        return result
    try:
        content = (release.folder / result.file).read_bytes()
        made = made_of(release, release.mappings[tests.removesuffix(".tests")], content)
    except (TillwayError, ValueError):
        return result  # the result says already that the input cannot be read
    sentences = tuple(_violations(made))
    return msgspec.structs.replace(result, wrong=(*sentences, *result.wrong))


def _violations(made: list[Any]) -> Iterator[str]:
    for one in made:
        # The one key of a record that could not be mapped; no message has a field of this name.
        if one.keys() == {"violations"}:
            for breach in one["violations"]:
                yield f"the input breaks the mapping: {Violation(**breach)}"


def _data(results: list[SampleResult]) -> dict[str, Any]:
    shown = [
        {"file": one.file, "passed": one.passed, "accepted": one.accepted, "wrong": one.wrong}
        for one in results
    ]
    passed = sum(1 for one in results if one.passed)
    return {"passed": passed, "failed": len(results) - passed, "samples": shown}


def _draw(console: Console, data: dict[str, Any]) -> None:
    for sample in data["samples"]:
        word = "new " if sample["accepted"] else "ok  " if sample["passed"] else "FAIL"
        console.print(f"{word} {sample['file']}")
        for sentence in sample["wrong"]:
            console.print(f"       {sentence}", soft_wrap=True)
    if not data["samples"]:
        note(
            "There is no sample yet: put mappings/<table>.tests/<case>.in and .out in the project."
        )
    console.print(f"{data['passed']} passed, {data['failed']} failed")
