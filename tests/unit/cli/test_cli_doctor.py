"""What `doctor --connections` tells a source about itself."""

from __future__ import annotations

from pathlib import Path
from secrets import token_bytes

import pytest

from tillway.assembly import open_hub
from tillway.cli import doctor_connections
from tillway.connect import Registration, SourceContext
from tillway.connectors.files import REGISTRATION
from tillway.project import load_release
from tillway.project.template import Variables, new_project


async def test_a_ping_sees_what_the_source_remembers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source that judges its own silence needs to know when it last heard something."""
    new_project(tmp_path / "p", "pos-erp", Variables("p"), token_bytes)
    release = load_release(tmp_path / "p", environ={})
    heard: dict[str, str] = {}

    class Listening:
        """A source whose ping looks at its memory."""

        def __init__(self, context: SourceContext) -> None:
            self.context = context

        async def ping(self) -> None:
            """Note what is remembered."""
            heard[self.context.name] = await self.context.state.get("last_event_at")

    made = Registration(
        "files",
        "test",
        source_settings=REGISTRATION.source_settings,
        make_source=lambda _settings, context: Listening(context),
    )
    monkeypatch.setattr(doctor_connections, "connector", lambda _name: made)
    await doctor_connections._ping_source(release, release.sources["northgate"])
    assert heard == {"northgate": ""}
    hub = await open_hub(release)
    await hub.journal.save_source_state("northgate", "last_event_at", "17")
    await hub.stop()
    await doctor_connections._ping_source(release, release.sources["northgate"])
    assert heard == {"northgate": "17"}
