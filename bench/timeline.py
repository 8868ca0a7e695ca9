"""Draws the course of a soak as SVG text: memory, open files and the log, one below the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.soak_watch import Sample

WIDTH, HEIGHT, LEFT, TOP, GAP = 720, 110, 70, 30, 46
LINES: tuple[tuple[str, str, Callable[[Sample], float]], ...] = (
    ("resident memory of all processes, MB", "#0b6e4f", lambda one: one.memory_megabytes),
    ("open files", "#2a5db0", lambda one: one.handles),
    ("log of the journal (WAL), MB", "#b0522a", lambda one: one.log_megabytes),
    ("journal, MB", "#6b4fa0", lambda one: one.journal_megabytes),
)
TICKS = 6


def drawn(samples: Sequence[Sample]) -> str:
    """Return the SVG document of a run."""
    total = TOP + len(LINES) * (HEIGHT + GAP)
    last = max(samples[-1].seconds, 1.0)
    size = f'viewBox="0 0 {LEFT + WIDTH + 30} {total + 20}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        "<title>A hub at twice its peak: memory, open files, log and journal over time</title>",
        f'<rect width="{LEFT + WIDTH + 30}" height="{total + 20}" fill="white"/>',
    ]
    for index, (name, colour, value) in enumerate(LINES):
        top = TOP + index * (HEIGHT + GAP)
        values = [value(one) for one in samples]
        parts += _panel(name, colour, top, [one.seconds / last for one in samples], values)
    for tick in range(TICKS + 1):
        x = LEFT + WIDTH * tick / TICKS
        minutes = last / 60.0 * tick / TICKS
        parts.append(f'<text x="{x:.0f}" y="{total}" text-anchor="middle">{minutes:.3g} min</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(
    name: str, colour: str, top: int, shares: Sequence[float], values: Sequence[float]
) -> list[str]:
    most = max(*values, 1.0) * 1.1
    points = " ".join(
        f"{LEFT + WIDTH * share:.1f},{top + HEIGHT - HEIGHT * value / most:.1f}"
        for share, value in zip(shares, values, strict=True)
    )
    base = top + HEIGHT
    return [
        f'<text x="{LEFT}" y="{top - 8}">{name}</text>',
        f'<path d="M{LEFT} {top}V{base}H{LEFT + WIDTH}" fill="none" stroke="#999"/>',
        f'<text x="{LEFT - 8}" y="{base}" text-anchor="end">0</text>',
        f'<text x="{LEFT - 8}" y="{top + 10}" text-anchor="end">{most:.0f}</text>',
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>',
    ]
