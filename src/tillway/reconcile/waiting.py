"""Entries of payouts that wait for their tender, by every name that they may be known by.

Only what waits is here: what found its tender leaves nothing behind, so that years of payouts need
no more memory than their first day.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

_NOBODY: frozenset[int] = frozenset()


class Waiting:
    """Name -> numbers of the entries that wait under it."""

    def __init__(self) -> None:
        self._by_name: dict[str, set[int]] = {}
        self._names: dict[int, set[str]] = {}

    def __len__(self) -> int:
        """Return how many entries wait."""
        return len(self._names)

    def clear(self) -> None:
        """Forget everything."""
        self._by_name.clear()
        self._names.clear()

    def add(self, item_id: int, names: Iterable[str]) -> None:
        """Note that an entry waits under these names too; an empty one is none."""
        for name in filter(None, names):
            self._by_name.setdefault(name, set()).add(item_id)
            self._names.setdefault(item_id, set()).add(name)

    def under(self, name: str) -> Collection[int]:
        """Return the entries that wait under a name; do not keep it, it changes."""
        return self._by_name.get(name, _NOBODY)

    def leave(self, item_id: int) -> None:
        """Note that an entry waits no longer, under any name."""
        for name in self._names.pop(item_id, ()):
            waiting = self._by_name[name]
            waiting.discard(item_id)
            if not waiting:
                del self._by_name[name]
