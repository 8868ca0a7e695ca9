"""What a retry policy says beside retries: waiting returns, and replays that need two people."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tillway.project import load_release
from tillway.project.problems import ProjectErrors
from tillway.project.template import Variables, new_project


def project_with(folder: Path, line: str) -> Path:
    """Return a new project with one more line in its retry policy."""
    new_project(folder, "pos-erp", Variables("demo", 18080, 18091), secrets.token_bytes)
    policies = folder / "policies" / "retry.toml"
    policies.write_text(f"{policies.read_text().rstrip()}\n{line}\n")
    return folder


def test_without_a_word_no_return_waits_and_one_person_replays_alone(tmp_path: Path) -> None:
    """Both are off until a project asks for them."""
    policy = load_release(project_with(tmp_path / "p", ""), environ={}).retries["standard"]
    assert (policy.sale_wait_seconds, policy.replay_alone) == (0.0, 0)


def test_a_policy_lets_returns_wait_and_asks_for_a_second_person(tmp_path: Path) -> None:
    """Seconds, and a number of messages."""
    lines = "sale_wait_seconds = 3600\nreplay_alone = 1000"
    policy = load_release(project_with(tmp_path / "p", lines), environ={}).retries["standard"]
    assert (policy.sale_wait_seconds, policy.replay_alone) == (3600.0, 1000)


@pytest.mark.parametrize("line", ["sale_wait_seconds = -1", 'replay_alone = "many"'])
def test_what_makes_no_sense_is_refused_by_name(tmp_path: Path, line: str) -> None:
    """A negative wait and a number in words are named."""
    with pytest.raises(ProjectErrors) as caught:
        load_release(project_with(tmp_path / "p", line), environ={})
    assert line.partition(" ")[0] in str(caught.value.problems)
