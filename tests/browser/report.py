"""What a run of the browser tests found, as it is written and as it is said."""

from __future__ import annotations

from dataclasses import dataclass, field

from browser.stories import Told
from browser.walk import Seen, say

MOST_MILLISECONDS = 1_000


@dataclass(slots=True)
class Report:
    """Screens that were looked at and stories that were played; many: the page of 600 stores."""

    screens: list[Seen] = field(default_factory=list)
    many: Seen = field(default_factory=lambda: Seen("none"))
    stories: list[Told] = field(default_factory=list)

    @property
    def fine(self) -> bool:
        """Say whether there is nothing to mend."""
        clean = all(not one.axe and not one.csp for one in (*self.screens, self.many))
        quick = self.many.load_ms < MOST_MILLISECONDS
        return clean and quick and all(one.ok for one in self.stories)

    def as_json(self) -> dict[str, object]:
        """Return the report as it is written."""
        screens = [one.as_json() for one in (*self.screens, self.many)]
        return {"screens": screens, "stories": [one.as_json() for one in self.stories]}

    def told(self) -> None:
        """Print a line for each screen and each story."""
        for one in (*self.screens, self.many):
            say(f"{one.name}: axe {len(one.axe)}, csp {len(one.csp)}, {one.load_ms} ms")
            for line in (*one.axe, *one.csp):
                say(f"  {line}")
        for story in self.stories:
            end = "ok" if story.ok else f"FAILED: {story.said}"
            say(f"{story.name}: {end}, {story.clicks} clicks")
