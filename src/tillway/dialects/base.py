"""The seam of the dialects: one POS product's tree becomes a neutral record.

Surprising: a dialect does no field mapping. It settles what no table could (voids, change, rewards,
rounding, signs) and leaves names that a mapping table can read one by one.
"""

from __future__ import annotations

from typing import Any, Protocol


class Dialect(Protocol):
    """Knows the habits of one POS product."""

    @property
    def name(self) -> str:
        """Return the name a project uses for this dialect."""
        ...

    @property
    def volatile(self) -> frozenset[str]:
        """Return names of the neutral record that differ each time the same fact is sent."""
        ...

    def normalise(self, tree: dict[str, Any]) -> dict[str, Any]:
        """Return the neutral record of a masked tree; it must not change the tree.

        Raises ContractViolation with every violation found when the tree cannot be read.
        """
        ...


class Identity:
    """The dialect `none`: the tree is the neutral record already."""

    name = "none"
    volatile: frozenset[str] = frozenset()

    def normalise(self, tree: dict[str, Any]) -> dict[str, Any]:
        """Return the tree itself."""
        return tree
