"""The OpenAPI document is valid, tells the truth, and no request brings the API down.

TILLWAY_API_EXAMPLES sets how many requests are made up for each operation and mode (usually 10).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from random import Random

import openapi_spec_validator
import pytest
import requests
import schemathesis
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.core.failures import FailureGroup
from schemathesis.core.transport import Response

from access_world import MINE
from tillway.access.callers import HUB
from tillway.api.catalogue import operations as catalogue
from tillway.api.openapi import PROBLEM, REFUSALS, document
from tillway.cli.app import run_verb
from unit.api.made_up import CALLERS, CHECKS, RIGHT, WRONG, Served, damaged, probe, served_in
from unit.api.test_api_matrix import operations, requests_about

EXAMPLES = int(os.environ.get("TILLWAY_API_EXAMPLES", "8"))
LABELS = sorted(catalogue())


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Give one API to every request of this file."""
    with served_in(tmp_path_factory.mktemp("api")) as made:
        yield made


def test_the_document_is_valid() -> None:
    """It is OpenAPI 3.1 as its own validator reads it."""
    openapi_spec_validator.validate(document())
    assert document()["openapi"].startswith("3.1")


def test_the_document_is_exported(capsys: pytest.CaptureFixture[str]) -> None:
    """`tillway export openapi` prints what the hub serves."""
    assert run_verb(["export", "openapi"]) == 0
    assert json.loads(capsys.readouterr().out) == document()


def test_every_operation_says_what_it_takes_and_gives() -> None:
    """Each has a summary, a permission with roles, an answer and the answer to a refusal."""
    for method, name, described in operations():
        assert described["summary"].endswith("."), (method, name)
        assert described["x-roles"], (method, name)
        assert described["description"].startswith(f"Needs `{described['x-permission']}`")
        assert all(one["description"] for one in described["parameters"]), (method, name)
        assert set(described["responses"]) == {"200", *REFUSALS}
        for status in REFUSALS:
            assert list(described["responses"][status]["content"]) == [PROBLEM]
        if method == "POST":
            assert "requestBody" in described, (method, name)


def test_the_names_of_operations_are_those_of_their_addresses() -> None:
    """Each has one, no two share one, and it follows from method and address, so that it stays."""
    names = [described["operationId"] for _, _, described in operations()]
    assert len(set(names)) == len(names) == len(LABELS)
    for method, name, described in operations():
        words = re.sub(r"[^a-z0-9]+", "_", f"{method} {name}".lower()).strip("_")
        assert described["operationId"] == words
    assert {"get_status", "get_problems_group", "post_dlq_retry", "get_stuck_csv"} <= set(names)


def test_every_field_of_a_body_has_a_type_and_every_body_says_what_it_is() -> None:
    """A client that is made from the document knows what to send."""
    schemas = document()["components"]["schemas"]
    for method, name, described in operations():
        content = described.get("requestBody", {}).get("content", {})
        for kind, body in content.items():
            if kind != "application/json":
                continue
            schema = schemas[body["schema"]["$ref"].rpartition("/")[2]]
            assert schema["description"], (method, name)
            assert schema["additionalProperties"] is False, (method, name)
            assert all(field.keys() & {"type", "anyOf"} for field in schema["properties"].values())


def test_every_answer_is_as_described(served: Served) -> None:
    """Asked about real objects, each answers in the shape of its schema; most answer at all."""
    asked = served.loop.run_until_complete(requests_about(served.world, MINE))
    answered = 0
    for method, name, described in operations():
        path, body = asked.of(name)
        answer = served.loop.run_until_complete(served.world.ask(method, path, body))
        kind = answer.headers["content-type"].partition(";")[0]
        place = described["responses"]["200" if answer.status == 200 else "default"]["content"]
        assert kind in place, (method, path, answer.text)
        if kind.endswith("json"):
            schema = {**place[kind]["schema"], "components": document()["components"]}
            faults = list(Draft202012Validator(schema).iter_errors(json.loads(answer.body)))
            assert faults == [], (method, path, answer.text)
        answered += answer.status == 200
    assert answered > len(operations()) // 2


@pytest.mark.parametrize(
    ("who", "mode"), [(who, RIGHT) for who in CALLERS] + [("hub", WRONG)], ids=str
)
@pytest.mark.parametrize("label", LABELS)
def test_made_up_requests_bring_nothing_down(
    served: Served, label: str, mode: GenerationMode, who: str
) -> None:
    """Whatever is sent by whom, right or wrong: no 5xx, and every answer as the document has it."""
    caller = CALLERS[who]
    examples = EXAMPLES if caller is HUB else max(1, EXAMPLES // 2)
    if not probe(served, label, mode, caller, examples):
        pytest.skip("nothing about a request of this operation can be wrong")


def test_damaged_requests_bring_nothing_down(served: Served) -> None:
    """Requests about real objects with something odd in them are answered as described too."""
    said: list[str] = []
    assert damaged(served, Random(20261120), 100 * EXAMPLES, said.append) == 0, said


def test_a_field_that_is_no_text_is_refused(served: Served) -> None:
    """Bytes of an address that are no UTF-8 are the caller's fault, not ours."""
    asked = requests.Request("GET", "http://127.0.0.1:8080/api/v1/status?q=%ff").prepare()
    answer = served.ask(asked)
    assert (answer.status, json.loads(answer.body)["code"]) == (400, "TW-7010")


def test_an_answer_that_breaks_its_schema_is_found(served: Served) -> None:
    """The control: a check of a wrong answer fails."""
    load_all_checks()
    schema = schemathesis.openapi.from_dict(document())
    case = schema["/api/v1/status"]["GET"].Case()
    asked = requests.Request("GET", "http://127.0.0.1:8080/api/v1/status").prepare()
    for status, kind, body in (
        (200, "application/json", b'{"schema": "tillway.status/1"}'),
        (500, PROBLEM, b"{}"),
        (200, "text/html", b"<p>hello"),
    ):
        told = {"content-type": [kind]}
        wrong = Response(status, told, body, asked, elapsed=0.0, verify=False)
        with pytest.raises(FailureGroup):
            case.validate_response(wrong, checks=CHECKS)
