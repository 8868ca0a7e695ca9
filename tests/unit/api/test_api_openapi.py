"""The OpenAPI document is valid, tells the truth, and no request brings the API down.

TILLWAY_API_EXAMPLES sets how many requests are made up for each operation and mode (usually 10).
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import openapi_spec_validator
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.transport import Response
from schemathesis.specs.openapi import checks as conformance

from access_world import MINE, AccessWorld, access_world
from operating_world import Answered
from operating_world import call as call_app
from tillway.api.catalogue import operations as catalogue
from tillway.api.openapi import PROBLEM, document
from tillway.cli.app import run_verb
from unit.api.test_api_matrix import operations, requests_about

EXAMPLES = int(os.environ.get("TILLWAY_API_EXAMPLES", "10"))
CHECKS = [
    not_a_server_error,
    conformance.status_code_conformance,
    conformance.content_type_conformance,
    conformance.response_schema_conformance,
]
LABELS = sorted(catalogue())


@dataclass
class Served:
    """An API over two shops, asked from a test that is not a coroutine."""

    loop: asyncio.AbstractEventLoop
    world: AccessWorld

    def ask(self, request: requests.PreparedRequest) -> Answered:
        """Send a prepared request."""
        parts = urlsplit(request.url or "")
        body = request.body or b""
        sent = body if isinstance(body, bytes) else str(body).encode()
        headers = {name.lower(): str(text) for name, text in request.headers.items()}
        path = f"{requests.utils.unquote(parts.path)}?{parts.query}"
        method = request.method or "GET"
        return self.loop.run_until_complete(
            call_app(self.world.app, path, method=method, body=sent, headers=headers)
        )

    def check(self, case: schemathesis.Case) -> None:
        """Send a made-up request and hold the answer against the document."""
        sent = case.as_transport_kwargs(base_url="http://127.0.0.1:8080")
        known = ("method", "url", "headers", "params", "json", "data")
        asked = requests.Request(**{name: sent[name] for name in known if name in sent}).prepare()
        answer = self.ask(asked)
        told = {name: [text] for name, text in answer.headers.items()}
        response = Response(answer.status, told, answer.body, asked, elapsed=0.0, verify=False)
        case.validate_response(response, checks=CHECKS)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Give one API to every request of this file."""
    loop = asyncio.new_event_loop()
    context = access_world(tmp_path_factory.mktemp("api"))
    world = loop.run_until_complete(context.__aenter__())
    yield Served(loop, world)
    loop.run_until_complete(context.__aexit__(None, None, None))
    loop.close()


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
        assert set(described["responses"]) == {"200", "default"}
        assert PROBLEM in described["responses"]["default"]["content"]
        if method == "POST":
            assert "requestBody" in described, (method, name)


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


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("label", LABELS)
def test_made_up_requests_bring_nothing_down(
    served: Served, label: str, mode: GenerationMode
) -> None:
    """Whatever is sent, right or wrong: no 5xx, and every answer as the document has it."""
    method, _, name = label.partition(" ")
    schema = schemathesis.openapi.from_dict(document())
    operation = schema[f"/api/v1/{name}"][method]

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def probe(case: schemathesis.Case) -> None:
        served.check(case)

    try:
        probe()
    except Unsatisfiable:
        pytest.skip("nothing about a request of this operation can be wrong")


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
