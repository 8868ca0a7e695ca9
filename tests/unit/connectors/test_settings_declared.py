"""Settings of connectors: plain words for what is wrong, and the fields of the reference."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from msgspec import Meta, Struct

from tillway.connect import connector, describe, setting_problems, settings_from
from tillway.errors import ConfigurationError, code_record
from tillway.security import Secret


class Example(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of a connector that does not exist."""

    url: Annotated[str, Meta(description="Where it is.", examples=["https://x"])]
    size: Annotated[int, Meta(description="How many."), Meta(gt=0)] = 50
    style: Annotated[Literal["a", "b"], Meta(description="Which way.")] = "a"
    names: Annotated[tuple[str, ...], Meta(description="Names.")] = ("x",)
    token: Annotated[str, Meta(description="The token.", extra={"secret": True})] = ""


def code_of(values: dict[str, object]) -> tuple[str, str]:
    """Return code and path of the first thing wrong."""
    with pytest.raises(ConfigurationError) as caught:
        settings_from(Example, values, "systems/x.toml")
    assert caught.value.where["file"] == "systems/x.toml"
    assert code_record(caught.value.code) is not None
    return caught.value.code, caught.value.path


def test_right_settings_become_the_struct() -> None:
    """Lists become tuples, defaults are filled in."""
    made = settings_from(Example, {"url": "https://x", "names": ["y"]}, "systems/x.toml")
    assert (made.url, made.size, made.names) == ("https://x", 50, ("y",))


def test_wrong_settings_are_told_by_name() -> None:
    """Unknown, missing, mistyped, out of range and written-down secrets each have their code."""
    assert code_of({"url": "x", "sice": 5}) == ("TW-4180", "sice")
    assert code_of({}) == ("TW-4182", "url")
    assert code_of({"url": 5}) == ("TW-4181", "url")
    assert code_of({"url": "x", "size": 0}) == ("TW-4181", "size")
    assert code_of({"url": "x", "style": "c"}) == ("TW-4181", "style")
    assert code_of({"url": "x", "names": ["a", 1]}) == ("TW-4181", "names[1]")
    assert code_of({"url": "x", "token": "hunter2"}) == ("TW-8101", "token")


def test_a_resolved_secret_is_taken() -> None:
    """A value that came from a reference is right, and so is an empty one."""
    assert settings_from(Example, {"url": "x", "token": Secret("t")}, "x").token.encode() == b"t"
    assert not settings_from(Example, {"url": "x", "token": ""}, "x").token


def test_all_problems_are_listed() -> None:
    """Not only the first one is found."""
    problems = setting_problems(Example, {"sice": 1, "token": "t", "size": "many"}, "x")
    assert [problem.code for problem in problems] == ["TW-4180", "TW-8101", "TW-4181"]


def test_the_reference_shows_each_field() -> None:
    """Type, default, meaning, secret flag and example come from the declaration."""
    fields = {field.name: field for field in describe(Example)}
    assert (fields["url"].required, fields["url"].example) == (True, "https://x")
    assert (fields["size"].type, fields["size"].default) == ("integer", "50")
    assert fields["style"].type == "one of a, b"
    assert fields["names"].type == "list of text"
    assert (fields["token"].secret, fields["token"].example) == (True, "${secret:name}")


@pytest.mark.parametrize("name", ["http", "files"])
def test_built_in_connectors_come_through_the_entry_points(name: str) -> None:
    """Both are found by name, and describe both of their halves."""
    registration = connector(name)
    assert registration.name == name
    assert registration.source_settings is not None
    assert registration.target_settings is not None
    assert registration.summary


@pytest.mark.parametrize(
    "values",
    [
        {"path": "in/x"},
        {"path": "/in/x", "accepts": []},
        {"path": "/in/x", "auth": "signature"},
        {"path": "/in/x", "signature_over": "timestamp.body"},
        {"path": "/in/x", "signature_over": "id.timestamp.body", "timestamp_header": "t"},
    ],
)
def test_a_door_that_cannot_work_is_refused(values: dict[str, object]) -> None:
    """Settings that do not go together stop the start."""
    struct_type = connector("http").source_settings
    assert struct_type is not None
    with pytest.raises(ConfigurationError) as caught:
        settings_from(struct_type, values, "x")
    assert caught.value.code == "TW-4181"


@pytest.mark.parametrize(
    "values",
    [
        {"url": "erp.example.com", "path": "/x"},
        {"url": "https://erp.example.com"},
        {"url": "https://x", "path": "/x", "bearer_token": Secret("a"), "secret_header": "b"},
    ],
)
def test_an_endpoint_that_cannot_work_is_refused(values: dict[str, object]) -> None:
    """Settings that do not go together stop the start."""
    struct_type = connector("http").target_settings
    assert struct_type is not None
    with pytest.raises(ConfigurationError) as caught:
        settings_from(struct_type, values, "x")
    assert caught.value.code == "TW-4181"
