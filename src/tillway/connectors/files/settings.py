"""What can be set for a watched folder and for a folder we write to."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from tillway.connect.settings import says


class FilesSourceSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A watched folder. A file is moved to done only after everything in it is durable."""

    folder: Annotated[
        str, says("Folder to watch; a relative one starts in the project.", "inbox/millrace")
    ]
    pattern: Annotated[str, says("Names to take.", "*.csv")] = "*"
    done_folder: Annotated[
        str, says("Where stored files go; a relative one starts in the watched folder.")
    ] = "done"
    failed_folder: Annotated[
        str, says("Where cut-off and unreadable files go, each with a .error.json beside it.")
    ] = "failed"
    done_days: Annotated[
        int,
        says("Days after which a file leaves the done folder for good; 0 keeps it for ever."),
        Meta(ge=0),
    ] = 400
    failed_days: Annotated[
        int,
        says(
            "The same for the failed folder, where nobody may have looked yet: 0 unless you say so."
        ),
        Meta(ge=0),
    ] = 0
    ready: Annotated[
        Literal["unchanged", "marker", "renamed"],
        says(
            "When a file is whole: its size and time did not change between two looks; a marker "
            "file stands beside it; or at once, because the sender renames it when it is whole."
        ),
    ] = "unchanged"
    marker_suffix: Annotated[str, says("What a marker file adds to the name.")] = ".done"
    order: Annotated[Literal["name", "mtime"], says("Which file is taken first.")] = "name"
    poll_seconds: Annotated[float, says("Time between two looks."), Meta(gt=0)] = 1.0
    store: Annotated[str, says("The one store all files come from; empty for many.", "0145")] = ""
    create_folder: Annotated[
        bool, says("Make the folder at start; false for a mount that may be missing.")
    ] = True

    def __post_init__(self) -> None:
        if "/" in self.pattern:
            raise ValueError("pattern is about names in one folder and holds no /")
        if not self.done_folder or not self.failed_folder:
            raise ValueError("done_folder and failed_folder must be named")
        if self.ready == "marker" and not self.marker_suffix:
            raise ValueError('ready = "marker" needs marker_suffix')


class FilesTargetSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A folder we write to. A reader never sees half a file: it is renamed when it is whole."""

    folder: Annotated[
        str, says("Folder to write to; a relative one starts in the project.", "outbox/erp")
    ]
    name: Annotated[
        str,
        says(
            "Name of a file: {key}, {message_type}, {message_id}, {lane}, or a field of the "
            "document such as {store} or {totals.grand}.",
            "{store}-{key}.json",
        ),
    ] = "{key}.json"
    style: Annotated[
        Literal["json", "ndjson"],
        says("One JSON document per file, or a batch with one document per line."),
    ] = "json"
    batch_size: Annotated[int, says("Most messages in an ndjson file."), Meta(gt=0)] = 500
    key_field: Annotated[
        str, says("Name under which each ndjson line also carries its key; empty for none.")
    ] = "key"
    create_folder: Annotated[
        bool, says("Make the folder at start; false for a mount that may be missing.")
    ] = True

    def __post_init__(self) -> None:
        if "/" in self.name or "{" not in self.name:
            raise ValueError("name must hold a {field} and no /")
