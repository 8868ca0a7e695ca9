"""The watched folder: what is whole, what is put away where, and what a crash leaves."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tillway.clock import ManualClock
from tillway.connect import SourceContext, Submission, SubmissionResult, settings_from
from tillway.connectors.files.settings import FilesSourceSettings
from tillway.connectors.files.source import FilesSource
from tillway.errors import JournalFault, NotConnected, code_record
from tillway.testing.sources import FakeIntake, MemoryHints, MemoryState


class Inbox:
    """A watched folder, its source, and what stands where. `look` is one look."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.path = folder / "inbox"
        self.state = MemoryState()
        self.intake = FakeIntake()
        self.settings = {"folder": "inbox", "ready": "renamed", **settings}
        self.restart()

    def restart(self) -> None:
        """Begin again with a new source over the same folder and memory."""
        settings = settings_from(FilesSourceSettings, self.settings, "x")
        context = SourceContext(
            "inbox", ManualClock(), self.state, str(self.path.parent), hints=MemoryHints()
        )
        self.source = FilesSource(settings, context)
        self.source.folder.prepare()

    def put(self, name: str, content: bytes = b"one\n") -> Path:
        """Write a file."""
        (self.path / name).write_bytes(content)
        return self.path / name

    async def look(self, times: int = 1) -> float:
        """Let the source look and take; return how long it wants to wait."""
        wait = 0.0
        for _ in range(times):
            wait = await self.source.take_ready_files(self.intake, asyncio.Event())
        return wait

    def names(self, folder: str = "") -> list[str]:
        """List the files of a folder."""
        return sorted(path.name for path in (self.path / folder).iterdir() if path.is_file())

    def error_of(self, name: str) -> Any:
        """Return the document beside a failed file."""
        return msgspec.json.decode((self.path / "failed" / f"{name}.error.json").read_bytes())


async def test_a_file_still_being_written_waits(tmp_path: Path) -> None:
    """A file is taken once two looks saw it the same, and not before."""
    inbox = Inbox(tmp_path, ready="unchanged")
    file = inbox.put("a.csv", b"one\n")
    await inbox.look()
    with file.open("ab") as more:
        more.write(b"two\n")
    await inbox.look()
    assert inbox.intake.submissions == []
    await inbox.look()
    assert inbox.intake.bodies == [b"one\ntwo\n"]
    assert inbox.names("done") == ["a.csv"]


async def test_a_locked_file_waits(tmp_path: Path) -> None:
    """A writer that holds a lock is left alone until it lets go."""
    inbox = Inbox(tmp_path)
    with inbox.put("a.csv").open("ab") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        await inbox.look()
        assert inbox.names("done") == []
    await inbox.look()
    assert inbox.names("done") == ["a.csv"]


async def test_a_file_that_grows_while_it_is_read_is_read_again(tmp_path: Path) -> None:
    """What was whole is stored, the file stays; the next reading gives duplicates and the rest."""
    inbox = Inbox(tmp_path)
    file = inbox.put("a.csv", b"one\n")
    submit = inbox.intake.submit

    async def submit_while_growing(submission: Submission, **kept: bool) -> SubmissionResult:
        result = await submit(submission, **kept)
        if len(inbox.intake.submissions) == 1:
            with file.open("ab") as more:
                more.write(b"two\n")
        return result

    inbox.intake.submit = submit_while_growing  # type: ignore[method-assign]
    await inbox.look()
    assert inbox.names() == ["a.csv"]
    await inbox.look()
    assert inbox.names("done") == ["a.csv"]
    assert inbox.intake.counts == {"accepted": 2, "duplicate": 1}


async def test_unfinished_and_foreign_names_are_left_alone(tmp_path: Path) -> None:
    """Hidden, temporary and not matching names are never taken, nor are links and folders."""
    inbox = Inbox(tmp_path, pattern="*.csv*")
    secret = tmp_path / "secret.csv"
    secret.write_text("not for the hub")
    (inbox.path / "link.csv").symlink_to(secret)
    (inbox.path / "folder.csv").mkdir()
    for name in (".a.csv", "a.csv.tmp", "a.csv.part", "a.txt"):
        inbox.put(name)
    await inbox.look(3)
    assert inbox.intake.submissions == []


async def test_files_are_taken_by_name_or_by_time(tmp_path: Path) -> None:
    """The order is a setting."""
    for order, expected in (("name", [b"a", b"b"]), ("mtime", [b"b", b"a"])):
        folder = tmp_path / order
        folder.mkdir()
        inbox = Inbox(folder, order=order)
        os.utime(inbox.put("a", b"a"), ns=(2, 2))
        os.utime(inbox.put("b", b"b"), ns=(1, 1))
        await inbox.look()
        assert inbox.intake.bodies == expected


async def test_an_empty_file_fails_with_its_own_code(tmp_path: Path) -> None:
    """Nothing is handed over; the document beside it says why."""
    inbox = Inbox(tmp_path)
    inbox.put("a.csv", b"")
    await inbox.look()
    assert inbox.intake.submissions == []
    assert inbox.names("failed") == ["a.csv", "a.csv.error.json"]
    assert inbox.error_of("a.csv")["error"]["code"] == "TW-2030"


async def test_a_cut_off_file_names_the_place(tmp_path: Path) -> None:
    """The document holds counts, hash, line and offset of the place where reading stopped."""
    inbox = Inbox(tmp_path)
    content = b"one\ntwo\ncut off"
    inbox.put("a.csv", content)
    await inbox.look()
    document = inbox.error_of("a.csv")
    assert document["counts"] == {"accepted": 2, "refused": 1}
    assert document["sha256"] == hashlib.sha256(content).hexdigest()
    assert (document["error"]["line"], document["error"]["offset"]) == (3, 8)
    assert code_record(document["error"]["code"]) is not None


async def test_a_file_with_a_refused_item_fails(tmp_path: Path) -> None:
    """Refused is not stored, so the file must not look done; quarantined is stored."""
    inbox = Inbox(tmp_path)
    inbox.intake.outcomes = {b"bad": "refused", b"odd": "quarantined"}
    inbox.put("a.csv", b"one\nbad\ntwo\n")
    inbox.put("b.csv", b"odd\n")
    await inbox.look()
    assert inbox.names("failed") == ["a.csv", "a.csv.error.json"]
    assert inbox.error_of("a.csv")["error"]["line"] == 2
    assert inbox.names("done") == ["b.csv"]


async def test_the_same_file_under_two_names_gives_duplicates(tmp_path: Path) -> None:
    """A name or a hash seen before is no reason not to read (rulings 9)."""
    inbox = Inbox(tmp_path)
    inbox.put("a.csv", b"one\ntwo\n")
    inbox.put("b.csv", b"one\ntwo\n")
    await inbox.look()
    inbox.put("a.csv", b"one\ntwo\n")
    await inbox.look()
    assert inbox.intake.counts == {"accepted": 2, "duplicate": 4}
    assert inbox.names("done") == ["a-2.csv", "a.csv", "b.csv"]


async def test_an_interrupted_move_is_finished_without_reading(tmp_path: Path) -> None:
    """A crash after the last commit and before the rename: the file goes to done, unread."""
    inbox = Inbox(tmp_path)
    inbox.put("a.csv")

    def crash(*_: object) -> str:
        raise OSError("power cut")

    inbox.source.folder.move = crash  # type: ignore[method-assign]
    with pytest.raises(OSError, match="power cut"):
        await inbox.look()
    assert (inbox.names(), list(inbox.state.values)) == (["a.csv"], ["unfinished_move"])
    inbox.restart()
    await start_and_stop(inbox)
    assert inbox.names("done") == ["a.csv"]
    assert len(inbox.intake.submissions) == 1
    assert inbox.state.values == {}


async def test_another_file_of_the_same_name_is_read(tmp_path: Path) -> None:
    """The control: what is remembered holds for the same bytes only."""
    inbox = Inbox(tmp_path)
    inbox.put("a.csv")
    inbox.source.folder.move = None  # type: ignore[assignment,method-assign]
    await inbox.look()
    inbox.put("a.csv", b"two\n")
    inbox.restart()
    await start_and_stop(inbox)
    assert inbox.state.values == {}
    assert inbox.names() == ["a.csv"]
    await inbox.look()
    assert inbox.intake.bodies == [b"one\n", b"two\n"]


async def start_and_stop(inbox: Inbox) -> None:
    """Run the source until its first look is due, with stop already set."""
    stop = asyncio.Event()
    stop.set()
    await inbox.source.run(inbox.intake, stop)


async def test_a_file_that_meets_a_bug_three_times_is_put_away(tmp_path: Path) -> None:
    """Twice it is tried again, then it fails, and the others are not kept waiting."""
    inbox = Inbox(tmp_path)
    inbox.intake.bug = ValueError("boom")
    inbox.put("a.csv")
    await inbox.look(2)
    assert inbox.names() == ["a.csv"]
    await inbox.look()
    assert inbox.error_of("a.csv")["error"]["code"] == "TW-9001"
    assert "boom" not in repr(inbox.error_of("a.csv"))


async def test_a_journal_fault_stops_the_source(tmp_path: Path) -> None:
    """Nothing is put away, and whoever runs the source hears of it."""
    inbox = Inbox(tmp_path)
    inbox.intake.refusal = JournalFault("TW-5001", "flush failed")
    inbox.put("a.csv")
    with pytest.raises(JournalFault):
        await inbox.look()
    assert inbox.names() == ["a.csv"]


async def test_a_name_taken_in_failed_gets_a_number(tmp_path: Path) -> None:
    """Two failed files of one name keep their own documents."""
    inbox = Inbox(tmp_path)
    for _ in range(2):
        inbox.put("a.csv", b"")
        await inbox.look()
    expected = ["a-2.csv", "a-2.csv.error.json", "a.csv", "a.csv.error.json"]
    assert inbox.names("failed") == expected


async def test_a_large_file_is_never_whole_in_memory(tmp_path: Path) -> None:
    """The intake gets a stream, which it reads in parts."""
    inbox = Inbox(tmp_path)
    inbox.put("a.csv", b"x" * 5_000_000)
    sizes: list[int] = []

    async def submit(submission: Submission, *, keep_items: bool = True) -> SubmissionResult:
        assert not isinstance(submission.body, bytes)
        while part := submission.body.read(100_000):
            sizes.append(len(part))
        return SubmissionResult({"accepted": 1}, complete=True, items=[])

    inbox.intake.submit = submit  # type: ignore[method-assign]
    await inbox.look()
    assert (sum(sizes), max(sizes)) == (5_000_000, 100_000)
    assert inbox.names("done") == ["a.csv"]


async def test_the_marker_goes_with_its_file(tmp_path: Path) -> None:
    """Without a marker a file waits; afterwards the marker is gone too."""
    inbox = Inbox(tmp_path, ready="marker", marker_suffix=".ok")
    inbox.put("a.csv")
    await inbox.look(2)
    assert inbox.names("done") == []
    inbox.put("a.csv.ok", b"")
    await inbox.look()
    assert (inbox.names(), inbox.names("done")) == ([], ["a.csv"])


async def test_a_missing_mount_is_told(tmp_path: Path) -> None:
    """A folder that must not be made is not made: files in it would vanish under the mount."""
    settings = settings_from(FilesSourceSettings, {"folder": "mount", "create_folder": False}, "x")
    context = SourceContext(
        "inbox", ManualClock(), MemoryState(), str(tmp_path), hints=MemoryHints()
    )
    with pytest.raises(NotConnected) as caught:
        await FilesSource(settings, context).ping()
    assert caught.value.code == "TW-4130"
    assert not (tmp_path / "mount").exists()
