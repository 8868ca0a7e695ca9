"""The list of ledger rows in some states, read from the indexes that hold nothing else.

SQLite by itself prefers the primary key, and reads every delivered row to find the few open ones.
"""

from __future__ import annotations

from functools import cache

_STATE_KINDS = {
    "delivery_open": (
        "state IN ('sending', 'held', 'in_doubt')",
        frozenset({"sending", "held", "in_doubt"}),
    ),
    "delivery_dead": ("state = 'dead'", frozenset({"dead"})),
}
"""Index -> the rows it holds, as its definition says it, and their states."""


@cache
def deliveries_sql(text: str, states: frozenset[str], *, of_route: bool) -> str:
    """Return the statement that lists these states from the indexes that hold nothing else."""
    if of_route:
        text = text.replace("(?3 = '' OR route.name = ?3)", "route.name = ?3")
    indexed = {index: kind for index, kind in _STATE_KINDS.items() if states & kind[1]}
    arms = [
        text.replace(":indexed", f"INDEXED BY {index}").replace(":kind", where)
        for index, (where, _) in indexed.items()
    ]
    if not arms or states - frozenset().union(*(held for _, held in _STATE_KINDS.values())):
        others = " OR ".join(where for where, _ in _STATE_KINDS.values())
        arms.append(text.replace(":indexed", "").replace(":kind", f"NOT ({others})"))
    return " UNION ALL ".join(arms) + " ORDER BY 2 LIMIT ?4"
