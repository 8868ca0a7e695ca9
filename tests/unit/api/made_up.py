"""Makes requests up from the OpenAPI document and holds every answer against it.

Surprising: a session of Schemathesis is not used, only its requests and its checks; the app is
asked directly, so that thousands of requests take seconds.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote, urlsplit

import requests
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.transport import Response
from schemathesis.specs.openapi import checks as conformance

from access_world import MINE, AccessWorld, access_world
from operating_world import Answered
from operating_world import call as call_app
from tillway.access.callers import HUB, ROLE_NAMES, Caller
from tillway.api.openapi import document
from unit.api.test_api_matrix import operations, requests_about

CHECKS = [
    not_a_server_error,
    conformance.status_code_conformance,
    conformance.content_type_conformance,
    conformance.response_schema_conformance,
]
RIGHT, WRONG = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
SCOPED = Caller("vic", frozenset({"viewer"}), frozenset({MINE}), "session")
WIDE = Caller("abe", frozenset(ROLE_NAMES), frozenset({MINE}), "session")
CALLERS = {"hub": HUB, "viewer of a shop": SCOPED, "everything for a shop": WIDE}
BASE = "http://127.0.0.1:8080"
ODD = (
    "\x00",
    "%00",
    "%ff",
    "'",
    '"',
    "\\",
    "-1",
    "1e9",
    "9" * 40,
    "𝟙",
    "\u202e",
    "null",
    "[]",
    "{}",
)
"""What is put into requests that are right otherwise."""


@dataclass
class Served:
    """An API over two shops, asked from a test that is not a coroutine."""

    loop: asyncio.AbstractEventLoop
    world: AccessWorld
    asked: int = 0

    def ask(self, request: requests.PreparedRequest, who: Caller = HUB) -> Answered:
        """Send a prepared request."""
        parts = urlsplit(request.url or "")
        body = request.body or b""
        sent = body if isinstance(body, bytes) else str(body).encode()
        headers = {name.lower(): str(text) for name, text in request.headers.items()}
        path = f"{requests.utils.unquote(parts.path)}?{parts.query}"
        self.world.caller[0] = who
        self.asked += 1
        return self.loop.run_until_complete(
            call_app(
                self.world.app, path, method=request.method or "GET", body=sent, headers=headers
            )
        )

    def check(self, case: schemathesis.Case, who: Caller = HUB) -> None:
        """Send a made-up request and hold the answer against the document."""
        sent = case.as_transport_kwargs(base_url=BASE)
        known = ("method", "url", "headers", "params", "json", "data")
        asked = requests.Request(**{name: sent[name] for name in known if name in sent}).prepare()
        self.judge(case, asked, who)

    def judge(
        self, case: schemathesis.Case, asked: requests.PreparedRequest, who: Caller = HUB
    ) -> None:
        """Send a request of an operation and hold the answer against the document."""
        answer = self.ask(asked, who)
        told = {name: [text] for name, text in answer.headers.items()}
        response = Response(answer.status, told, answer.body, asked, elapsed=0.0, verify=False)
        case.validate_response(response, checks=CHECKS)


@cache
def _schema() -> Any:
    return schemathesis.openapi.from_dict(document())


@contextmanager
def served_in(folder: Path) -> Iterator[Served]:
    """Give one API to many requests."""
    loop = asyncio.new_event_loop()
    context = access_world(folder)
    world = loop.run_until_complete(context.__aenter__())
    try:
        yield Served(loop, world)
    finally:
        loop.run_until_complete(context.__aexit__(None, None, None))
        loop.close()


def probe(
    served: Served,
    label: str,
    mode: GenerationMode,
    who: Caller,
    examples: int,
    first_seed: int | None = None,
) -> bool:
    """Send so many requests of an operation; False when none can be of this kind.

    Without a seed they are the same every time. Raises FailureGroup for a wrong answer.
    """
    method, _, name = label.partition(" ")
    operation = _schema()[f"/api/v1/{name}"][method]

    @settings(
        max_examples=examples,
        derandomize=first_seed is None,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def sent(case: schemathesis.Case) -> None:
        served.check(case, who)

    try:
        (sent if first_seed is None else seed(first_seed)(sent))()
    except Unsatisfiable:
        return False
    return True


def damaged(served: Served, rng: Random, count: int, say: Callable[[str], None]) -> int:
    """Send requests about real objects with something odd in them; return how many went wrong."""
    real = served.loop.run_until_complete(requests_about(served.world, MINE))
    schema = _schema()
    wrong = 0
    for _ in range(count):
        method, name, _ = rng.choice(operations())
        path, body = real.of(name)
        text = json.dumps(body)
        if method == "GET" or rng.random() < 1 / 2:
            path = _odd_path(path, name, rng)
        if method == "POST" and rng.random() < 1 / 2:
            text = _with_something_odd(text, rng)
        who = rng.choice(list(CALLERS.values()))
        asked = requests.Request(method, f"{BASE}/api/v1/{path}", data=text.encode()).prepare()
        parts = dict.fromkeys(re.findall(r"\{(\w+)\}", name), "1")
        case = schema[f"/api/v1/{name}"][method].Case(path_parameters=parts)
        try:
            served.judge(case, asked, who)
        except (FailureGroup, Exception) as error:  # noqa: BLE001 - any failure is looked for
            wrong += 1
            say(f"{who.name} {method} {path} {text[:200]}: {error}")
    return wrong


def _odd_path(path: str, name: str, rng: Random) -> str:
    """Return an address of the same operation with something odd in its part or its fields."""
    folder, _, query = path.partition("?")
    if "{" in name and rng.random() < 1 / 2:
        start, _, part = folder.rpartition("/")
        folder = f"{start}/{quote(_with_something_odd(part, rng) or 'x', safe='%')}"
    fields = _with_something_odd(query or f"{rng.choice(('q', 'store', 'from'))}=1", rng)
    return f"{folder}?{fields}" if query or rng.random() < 1 / 2 else folder


def _with_something_odd(text: str, rng: Random) -> str:
    """Return a text with a piece gone, doubled, or replaced."""
    first, last = sorted(rng.randrange(len(text) + 1) for _ in range(2))
    last = min(last, first + 8)
    fresh = rng.choice((*ODD, "", text[first:last] * 2))
    return text[:first] + fresh + text[last:]
