"""The JSON API of a running hub, and the actions of people that API, console and CLI share."""

from tillway.api.admission import Admission, token_admission
from tillway.api.app import api_app
from tillway.api.changes import Changes
from tillway.api.hub_file import (
    HubAddress,
    new_token,
    read_hub_file,
    remove_hub_file,
    write_hub_file,
)
from tillway.api.operations import LeftOut, Operations, PlannedReplay, Replayed, Selection
from tillway.api.questions import Questions
from tillway.api.snapshot import Snapshot

__all__ = [
    "Admission",
    "Changes",
    "HubAddress",
    "LeftOut",
    "Operations",
    "PlannedReplay",
    "Questions",
    "Replayed",
    "Selection",
    "Snapshot",
    "api_app",
    "new_token",
    "read_hub_file",
    "remove_hub_file",
    "token_admission",
    "write_hub_file",
]
