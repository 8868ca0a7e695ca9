"""The folder we write to: names, and files that are whole or not there."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillway.clock import ManualClock
from tillway.connect import Delivered, Outbound, TargetContext, settings_from
from tillway.connectors.files.settings import FilesTargetSettings
from tillway.connectors.files.target import FilesTarget
from tillway.errors import NotConnected, Permanent, TillwayError, Transient
from tillway.testing.targets_suite import outbound


def target(folder: Path, **values: Any) -> FilesTarget:
    """Return a target over a folder."""
    settings = settings_from(FilesTargetSettings, {"folder": "outbox", **values}, "x")
    return FilesTarget(settings, TargetContext("out", ManualClock(), str(folder)))


def names(folder: Path) -> list[str]:
    """List everything in the folder, hidden files too."""
    return sorted(path.name for path in (folder / "outbox").iterdir())


async def test_the_name_comes_from_the_document(tmp_path: Path) -> None:
    """Dotted paths reach into the document; signs a file name cannot have are replaced."""
    message = outbound(1, store="0145", totals={"grand": "12.50"})
    [result] = await target(tmp_path, name="{store}_{totals.grand}.json").send([message])
    assert result == Delivered("0145_12.50.json")
    assert names(tmp_path) == ["0145_12.50.json"]


@given(st.text(min_size=1, max_size=300), st.text(min_size=1, max_size=300))
def test_names_are_safe_and_never_meet(one: str, other: str) -> None:
    """Whatever the key: one path step, not hidden, short enough, and different for others."""
    maker = target(Path())
    made = [maker._file_name(Outbound(key, "", "", {})) for key in (one, other)]
    for name in made:
        assert "/" not in name
        assert "\0" not in name
        assert not name.startswith(".")
        assert len(name.encode()) <= 255
        assert name.endswith(".json")
    assert (made[0] == made[1]) is (one == other)


async def test_a_shared_name_gets_a_number(tmp_path: Path) -> None:
    """Without the key in the name nothing is ever overwritten."""
    writer = target(tmp_path, name="{store}.json")
    await writer.send([outbound(1, store="7"), outbound(2, store="7")])
    assert names(tmp_path) == ["7-2.json", "7.json"]


async def test_a_missing_field_is_permanent(tmp_path: Path) -> None:
    """The name cannot be made, and trying again cannot help."""
    [result] = await target(tmp_path, name="{store}.json").send([outbound(1)])
    assert isinstance(result, Permanent)
    assert (result.code, result.path) == ("TW-4121", "store")


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.ENOSPC, Transient), (errno.EACCES, NotConnected)]
)
async def test_a_write_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[TillwayError]
) -> None:
    """A full disk is tried again, a lost right waits; no half file stays."""

    def fail(_: int) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr("tillway.connectors.files.target.os.fsync", fail)
    [result] = await target(tmp_path).send([outbound(1)])
    assert isinstance(result, kind)
    assert names(tmp_path) == []


async def test_a_batch_is_one_file_with_keys(tmp_path: Path) -> None:
    """One line per message, each with its key, so that a reader can drop repeats."""
    writer = target(tmp_path, style="ndjson", name="{message_type}.ndjson")
    results = await writer.send([outbound(1), outbound(2)])
    assert results == [Delivered("retail_transaction.completed.ndjson")] * 2
    lines = (tmp_path / "outbox" / names(tmp_path)[0]).read_text().splitlines()
    assert [line.count('"key":"quayside/') for line in lines] == [1, 1]


async def test_a_look_up_needs_the_key_alone(tmp_path: Path) -> None:
    """With another field in the name the file of a key cannot be known."""
    with pytest.raises(Permanent):
        await target(tmp_path, name="{store}-{key}.json").look_up("a")
