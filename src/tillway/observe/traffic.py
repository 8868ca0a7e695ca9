"""The traffic map: systems as nodes, routes as edges, and where each is drawn.

Nothing is guessed: a route that delivered nothing lately says since when, and is drawn broken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tillway.observe.amounts import Money
from tillway.observe.routes import RouteLine
from tillway.observe.status import Status
from tillway.project.records import Release

HUB = "hub"
COLUMNS = (20, 340, 660)
NODE_WIDTH, NODE_HEIGHT, ROW_HEIGHT = 200, 56, 84
MOST_WIDTH = 10


class Node(msgspec.Struct, frozen=True):
    """One system. side: source, hub or target; state as `status` names it; x and y in pixels."""

    name: str
    side: str
    state: str
    note: str
    x: int
    y: int


class Edge(msgspec.Struct, frozen=True):
    """One way of messages. width in pixels grows with the rate; broken: no data in the window."""

    name: str
    source: str
    target: str
    state: str
    per_minute: float
    waiting: int
    failed: int
    oldest_seconds: int
    money: Money
    breaker: str
    p95_seconds: float | None = None
    last_at: str = ""
    broken: bool = False
    width: int = 1
    points: tuple[int, int, int, int] = (0, 0, 0, 0)


class TrafficMap(msgspec.Struct, frozen=True):
    """The whole map; width and height in pixels."""

    nodes: list[Node] = msgspec.field(default_factory=list)
    edges: list[Edge] = msgspec.field(default_factory=list)
    width: int = COLUMNS[2] + NODE_WIDTH + 20
    height: int = ROW_HEIGHT


class Flow(msgspec.Struct, frozen=True):
    """What is known of one way lately; p95_seconds None and last_at "" where it is not known."""

    per_minute: float = 0.0
    p95_seconds: float | None = None
    last_at: str = ""


def traffic_map(found: Status, release: Release, flows: Mapping[str, Flow]) -> TrafficMap:
    """Return the map of a status. flows: name of a source or a route -> what flowed lately."""
    heard: dict[str, str] = {}
    for line in found.stores:
        heard[line.system] = max(heard.get(line.system, ""), line.last_seen_at)
    sources = sorted(release.sources)
    targets = sorted({line.target for line in found.routes} | set(release.targets))
    rows = max(len(sources), len(targets), 1)
    height = rows * ROW_HEIGHT + 20
    nodes = [
        *_column(sources, "source", COLUMNS[0], height, {}),
        Node(HUB, "hub", "closed", "", COLUMNS[1], (height - NODE_HEIGHT) // 2),
        *_column(
            targets, "target", COLUMNS[2], height, {one.target: one.state for one in found.targets}
        ),
    ]
    places = {(node.side, node.name): node for node in nodes}
    arriving = [_arriving(name, flows.get(name, Flow()), heard.get(name, "")) for name in sources]
    leaving = [_leaving(line, flows.get(line.route, Flow())) for line in found.routes]
    edges = [_drawn(edge, places) for edge in _weighted([*arriving, *leaving])]
    return TrafficMap(nodes, edges, height=height)


def _column(
    names: Sequence[str], side: str, x: int, height: int, states: Mapping[str, str]
) -> list[Node]:
    step = height / max(1, len(names))
    return [
        Node(
            name, side, states.get(name, "closed"), "", x, int(step * (at + 0.5)) - NODE_HEIGHT // 2
        )
        for at, name in enumerate(names)
    ]


def _arriving(name: str, flow: Flow, last_at: str) -> Edge:
    return Edge(
        name=name,
        source=name,
        target=HUB,
        state="flowing" if last_at else "quiet",
        per_minute=flow.per_minute,
        waiting=0,
        failed=0,
        oldest_seconds=0,
        money={},
        breaker="",
        last_at=flow.last_at or last_at,
        broken=not last_at,
    )


def _leaving(line: RouteLine, flow: Flow) -> Edge:
    failed = line.dead + line.in_doubt
    stuck = failed or line.breaker == "open"
    state = "stuck" if stuck else "flowing" if line.delivered or line.pending else "quiet"
    return Edge(
        name=line.route,
        source=HUB,
        target=line.target,
        state=state,
        per_minute=flow.per_minute,
        waiting=line.waiting,
        failed=failed,
        oldest_seconds=line.oldest_seconds,
        money=line.money_waiting,
        breaker=line.breaker,
        p95_seconds=flow.p95_seconds,
        last_at=flow.last_at,
        broken=not line.delivered,
    )


def _weighted(edges: Iterable[Edge]) -> list[Edge]:
    """Give each edge a width that grows with its share of the fastest one."""
    listed = list(edges)
    fastest = max((one.per_minute for one in listed), default=0.0)
    if not fastest:
        return [msgspec.structs.replace(one, width=2) for one in listed]
    return [
        msgspec.structs.replace(one, width=2 + round((MOST_WIDTH - 2) * one.per_minute / fastest))
        for one in listed
    ]


def _drawn(edge: Edge, places: Mapping[tuple[str, str], Node]) -> Edge:
    start = places["source", edge.source] if edge.target == HUB else places["hub", HUB]
    end = places["hub", HUB] if edge.target == HUB else places["target", edge.target]
    middle = NODE_HEIGHT // 2
    return msgspec.structs.replace(
        edge, points=(start.x + NODE_WIDTH, start.y + middle, end.x, end.y + middle)
    )
