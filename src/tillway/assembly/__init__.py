"""The one place where everything is joined: a project folder becomes a running hub.

`run_hub` is the whole process, `open_queries` a reader that works beside it, `offline_operations`
the same actions when no hub is running.
"""

from tillway.assembly.access import offline_operations, open_queries
from tillway.assembly.hub import Hub, journal_path, open_hub
from tillway.assembly.process import forked_crew, run_hub

__all__ = [
    "Hub",
    "forked_crew",
    "journal_path",
    "offline_operations",
    "open_hub",
    "open_queries",
    "run_hub",
]
