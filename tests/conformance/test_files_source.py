"""The watched folder runs the suite of pull sources, once per way of knowing a file is whole."""

from __future__ import annotations

from pathlib import Path

from tillway.connectors.files import REGISTRATION
from tillway.testing.sources import PullSourceSuite


class TestWatchedFolder(PullSourceSuite):
    """Files are taken when they stopped changing."""

    registration = REGISTRATION

    def settings(self) -> dict[str, object]:
        """A folder in the project."""
        return {"folder": "inbox", "pattern": "*.txt"}

    def offer(self, folder: Path, name: str, content: bytes) -> None:
        """Write a file."""
        (folder / "inbox").mkdir(exist_ok=True)
        (folder / "inbox" / name).write_bytes(content)

    def waiting(self, folder: Path) -> list[str]:
        """List what still stands in the folder."""
        return sorted(path.name for path in (folder / "inbox").glob("*.txt"))

    def stored(self, folder: Path) -> list[str]:
        """List the done folder."""
        return sorted(path.name for path in (folder / "inbox" / "done").glob("*.txt"))

    def failed(self, folder: Path) -> list[str]:
        """List the failed folder."""
        return sorted(path.name for path in (folder / "inbox" / "failed").glob("*.txt"))


class TestFolderOfRenamedFiles(TestWatchedFolder):
    """Files are taken at once, since the sender renames them when they are whole."""

    def settings(self) -> dict[str, object]:
        """A folder in the project."""
        return {"folder": "inbox", "pattern": "*.txt", "ready": "renamed", "order": "mtime"}


class TestFolderWithMarkers(TestWatchedFolder):
    """Files are taken when a marker stands beside them."""

    def settings(self) -> dict[str, object]:
        """A folder in the project."""
        return {"folder": "inbox", "pattern": "*.txt", "ready": "marker"}

    def offer(self, folder: Path, name: str, content: bytes) -> None:
        """Write a file and its marker."""
        super().offer(folder, name, content)
        (folder / "inbox" / f"{name}.done").touch()
