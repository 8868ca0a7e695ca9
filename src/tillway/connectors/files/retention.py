"""Removes files from done and failed that were put there long ago; runs in a thread.

Surprising: the age of a file counts from when it was moved or last changed, whichever is later, and
only names that the source takes are touched: other files in those folders are not ours.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from tillway.clock import MICROSECONDS
from tillway.connectors.files.folder import WatchedFolder
from tillway.connectors.files.settings import FilesSourceSettings

DAY_SECONDS = 24 * 3600
ERROR_SUFFIX = ".error.json"
FILES_AT_ONCE = 1000
_NUMBERED = re.compile(r"-[0-9]+(?=(\.[^.]*)?$)")
"""What `free_name` adds to a name that was taken."""


def remove_old(folder: WatchedFolder, settings: FilesSourceSettings, now: int) -> int:
    """Remove what is older than its days, at most FILES_AT_ONCE; return how many files went.

    now is microseconds UTC; 0 days keep a folder as it is. A folder that cannot be read is left.
    """
    removed = 0
    for place, days in ((folder.done, settings.done_days), (folder.failed, settings.failed_days)):
        if days <= 0:
            continue
        before = now / MICROSECONDS - days * DAY_SECONDS
        for path in _old_files(place, settings.pattern, before):
            if removed == FILES_AT_ONCE:
                return removed
            path.unlink(missing_ok=True)
            path.with_name(path.name + ERROR_SUFFIX).unlink(missing_ok=True)
            removed += 1
    return removed


def _old_files(place: Path, pattern: str, before: float) -> Iterator[Path]:
    try:
        entries = list(os.scandir(place))
    except OSError:
        return
    for entry in entries:
        if not _is_ours(entry.name, pattern) or not entry.is_file(follow_symlinks=False):
            continue
        status = entry.stat(follow_symlinks=False)
        if max(status.st_mtime, status.st_ctime) < before:
            yield Path(entry.path)


def _is_ours(name: str, pattern: str) -> bool:
    if name.startswith(".") or name.endswith(ERROR_SUFFIX):
        return False
    return fnmatchcase(name, pattern) or fnmatchcase(_NUMBERED.sub("", name), pattern)
