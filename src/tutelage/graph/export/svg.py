"""A view as a picture: SVG without script or style sheet, drawn from the places of its nodes."""

import math
import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import atan2, cos, degrees, hypot, pi, sin
from xml.sax.saxutils import escape, quoteattr

from tutelage.errors import GraphError
from tutelage.graph.model import LINK_KINDS, NODE_KINDS
from tutelage.graph.store import Place

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
LABELLED_LINKS = 40
"""Links up to which each says what it is."""

Point = tuple[float, float]
Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """A node as it is drawn: `sub` stands beneath its label, `signal` (0 to 10) makes it larger."""

    key: str
    kind: str
    label: str
    sub: str = ""
    signal: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A link as it is drawn; the ends are keys, `reason` is told where a pointer rests."""

    source: str
    target: str
    kind: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Palette:
    """Colours of a picture."""

    paper: str
    ink: str
    muted: str
    line: str
    letter: str
    kinds: Mapping[str, str]


LIGHT = Palette(
    paper="#fbfaf7",
    ink="#1d2026",
    muted="#6b6f78",
    line="#a9adb6",
    letter="#ffffff",
    kinds={
        "work": "#2f6fed",
        "person": "#0f9d76",
        "topic": "#b7791f",
        "method": "#a83279",
        "model": "#6b4de6",
        "data": "#0e8fa8",
        "run": "#d1495b",
    },
)
DARK = Palette(
    paper="#14161a",
    ink="#eceef2",
    muted="#9aa0ab",
    line="#5b616d",
    letter="#14161a",
    kinds={
        "work": "#7aa5f8",
        "person": "#4fcaa5",
        "topic": "#e0ac5c",
        "method": "#dd7cb8",
        "model": "#a692f5",
        "data": "#58c2d6",
        "run": "#ee8a96",
    },
)


def svg(
    nodes: Sequence[Mark],
    links: Sequence[Line],
    places: Mapping[str, Place],
    *,
    title: str = "",
    total_nodes: int | None = None,
    dark: bool = False,
) -> str:
    """Return the picture of a view, an SVG document.

    A kind has a colour, a shape and a letter. Every label stands where it covers nothing; of many
    nodes those with the strongest signal are named first, and who finds no room has a tooltip.

    Args:
        nodes: of the view, in any order.
        links: between them.
        places: of every node.
        title: written above, if there is one.
        total_nodes: how many there are with those that are not shown; as many as are, if None.
        dark: light on dark.

    Raises:
        GraphError: a node without a place, or a link to no node.
    """
    known = {node.key for node in nodes}
    lost = sorted(known - set(places)) + sorted(
        {end for link in links for end in (link.source, link.target)} - known
    )
    if lost:
        raise GraphError(
            f"a picture wants nodes with places at both ends of links, not {lost[0]!r}."
        )
    return _Picture(nodes, links, places, title, total_nodes, DARK if dark else LIGHT).text()


@dataclass(slots=True)
class _Room:
    """What is covered already: boxes (left, top, right, bottom), found by squares of a grid."""

    side: float = 80.0
    squares: dict[tuple[int, int], list[Box]] = field(default_factory=dict)

    def _at(self, box: Box) -> Iterator[tuple[int, int]]:
        left, top, right, bottom = (int(value // self.side) for value in box)
        return ((x, y) for x in range(left, right + 1) for y in range(top, bottom + 1))

    def cover(self, box: Box) -> None:
        for square in self._at(box):
            self.squares.setdefault(square, []).append(box)

    def covered(self, box: Box) -> float:
        """Return how much of a box is covered, in square pixels."""
        others = {other for square in self._at(box) for other in self.squares.get(square, ())}
        return math.fsum([_shared(box, other) for other in others])


def _shared(box: Box, other: Box) -> float:
    wide = min(box[2], other[2]) - max(box[0], other[0])
    high = min(box[3], other[3]) - max(box[1], other[1])
    return max(0.0, wide) * max(0.0, high)


class _Picture:
    """One picture while it is drawn; lengths in pixels, y downwards."""

    def __init__(
        self,
        nodes: Sequence[Mark],
        links: Sequence[Line],
        places: Mapping[str, Place],
        title: str,
        total_nodes: int | None,
        palette: Palette,
    ) -> None:
        self.nodes = sorted(nodes, key=lambda node: (-node.signal, node.key))
        self.links = sorted(
            links,
            key=lambda link: (
                not LINK_KINDS[link.kind].projection,
                link.kind,
                link.source,
                link.target,
            ),
        )
        self.title, self.palette = title, palette
        self.total = len(nodes) if total_nodes is None else total_nodes
        count = max(len(nodes), 1)
        self.few = count <= 40
        unit: float = min(max(190 * (8 / count) ** 0.3, 38.0), 190.0)  # pixels
        self.radius = min(max(0.14 * unit, 4.0), 22.0)
        xs = [places[node.key].x * unit for node in nodes] or [0.0]
        ys = [-places[node.key].y * unit for node in nodes] or [0.0]
        margin, head = max(96.0, 0.4 * unit), 64.0 if title else 16.0
        self.width = max(720.0, max(xs) - min(xs) + 2 * margin)
        left = (self.width - max(xs) - min(xs)) / 2
        top = head + 0.55 * margin - min(ys)
        self.at = {
            node.key: (places[node.key].x * unit + left, top - places[node.key].y * unit)
            for node in nodes
        }
        self.bottom = top + max(ys) + 0.85 * margin
        self.room = _Room()

    def text(self) -> str:
        """Return the whole document."""
        links = "".join(self._link(link) for link in self.links)
        shapes = "".join(self._node(node) for node in reversed(self.nodes))
        for node in self.nodes:
            x, y = self.at[node.key]
            reach = self._radius(node)
            self.room.cover((x - reach, y - reach, x + reach, y + reach))
        labels = "".join(self._label(node) for node in self.nodes)
        names = ""
        if len(self.links) <= LABELLED_LINKS:
            names = "".join(self._link_label(link) for link in reversed(self.links))
        legend, height = self._legend()
        told = f"{self._caption()}. {', '.join(self._counts())}."
        heading = self._text((32, 42), self.title, 20, self.palette.ink, weight=650)
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{self.width:.0f}" '
            f'height="{height:.0f}" viewBox="0 0 {self.width:.0f} {height:.0f}" '
            f"font-family={quoteattr(FONT)}>\n"
            f"<title>{_plain(self.title or 'Graph')}</title><desc>{_plain(told)}</desc>\n"
            f'<rect width="100%" height="100%" fill="{self.palette.paper}"/>\n'
            f'<g fill="none" stroke-linecap="round">{links}</g>\n<g>{shapes}</g>\n'
            f"<g>{names}{labels}</g>\n<g>{heading if self.title else ''}{legend}</g>\n</svg>\n"
        )

    def _radius(self, node: Mark) -> float:
        return self.radius * (0.78 + 0.034 * node.signal)

    def _node(self, node: Mark) -> str:
        x, y = self.at[node.key]
        radius, colour = self._radius(node), self.palette.kinds[node.kind]
        told = ", ".join(part for part in (node.label, node.sub, f"signal {node.signal}") if part)
        ring = ""
        if node.signal == 10:
            wide = radius + max(4.0, 0.3 * radius)
            ring = (
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{wide:.1f}" fill="{colour}" opacity="0.2"/>'
            )
        letter = ""
        if radius >= 5.5:
            size = 0.92 * radius
            letter = self._text(
                (x, y + 0.36 * size),
                NODE_KINDS[node.kind].letter,
                size,
                self.palette.letter,
                weight=700,
                anchor="middle",
            )
        shape = _shape(node.kind, (x, y), radius)
        edge = min(2.0, 0.2 * radius)
        return (
            f'<g><title>{_plain(told)}</title>{ring}<path d={quoteattr(shape)} fill="{colour}" '
            f'stroke="{self.palette.paper}" stroke-width="{edge:.1f}" stroke-linejoin="round"/>'
            f"{letter}</g>\n"
        )

    def _link(self, link: Line) -> str:
        kind = LINK_KINDS[link.kind]
        (x0, y0), (x1, y1), radius = self._ends(link)
        many = len(self.links) > 400
        colour, width = self._stroke(link.kind)
        width *= min(1.0, max(0.5, self.radius / 18))
        opacity = (0.45 if kind.projection else 0.85) * (0.7 if many else 1.0)
        name = kind.label if not link.reason else f"{kind.label}: {link.reason}"
        drawn = f"M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}"
        head = ""
        if kind.directed and not many and hypot(x1 - x0, y1 - y0) > 2 * radius:
            way, size = atan2(y1 - y0, x1 - x0), min(7.0, 0.42 * self.radius)
            corners = [
                (x1 - size * cos(way + turn), y1 - size * sin(way + turn)) for turn in (-0.45, 0.45)
            ]
            path = "L".join(f"{x:.1f} {y:.1f}" for x, y in [(x1, y1), *corners])
            head = f'<path d="M{path}Z" fill="{colour}" stroke="none"/>'
        return (
            f'<g stroke="{colour}" stroke-width="{width:.2f}" opacity="{opacity:.2f}">'
            f'<title>{_plain(name)}</title><path d="{drawn}"/>{head}</g>\n'
        )

    def _stroke(self, kind: str) -> tuple[str, float]:
        """Return colour and width: the colour of the kind it leads from, grey for projections."""
        if LINK_KINDS[kind].projection:
            return self.palette.line, 1.1
        return self.palette.kinds[LINK_KINDS[kind].source], 1.7

    def _ends(self, link: Line) -> tuple[Point, Point, float]:
        """Return where a link leaves its source and meets its target, outside of their shapes."""
        (x0, y0), (x1, y1) = self.at[link.source], self.at[link.target]
        length, away = max(hypot(x1 - x0, y1 - y0), 1e-9), 1.18 * self.radius
        part = min(away / length, 0.45)
        across, along = part * (x1 - x0), part * (y1 - y0)
        return (x0 + across, y0 + along), (x1 - across, y1 - along), away

    def _label(self, node: Mark) -> str:
        size = 13.0 if self.few else min(max(0.85 * self.radius, 9.0), 12.0)
        lines = textwrap.wrap(
            _legal(node.label), 24 if self.few else 20, max_lines=2, placeholder="…"
        )
        rows = [(line, size, self.palette.ink, 600) for line in lines]
        if node.sub and self.radius >= 10:
            sub = textwrap.shorten(_legal(node.sub), 36, placeholder="…")
            rows.append((sub, 0.85 * size, self.palette.muted, 400))
        if not rows:
            return ""
        wide = max(_width(row[0], row[1]) for row in rows)
        high = sum(1.22 * row[1] for row in rows)
        x, y = self.at[node.key]
        away = self._radius(node) + 3
        beside = x + away + 2, x - away - wide - 2
        corners = [
            (x - wide / 2, y + away),
            (x - wide / 2, y - away - high),
            (beside[0], y - high / 2),
            (beside[1], y - high / 2),
        ]
        boxes = [(left, top, left + wide, top + high) for left, top in corners]
        boxes = [box for box in boxes if box[0] >= 2 and box[2] <= self.width - 2] or boxes[:1]
        box = min(boxes, key=self.room.covered)
        if not self.few and self.room.covered(box) > 0:
            return ""
        self.room.cover(box)
        drawn, base = "", box[1]
        for line, points, colour, weight in rows:
            base += 1.22 * points
            drawn += self._text(
                ((box[0] + box[2]) / 2, base - 0.28 * points),
                line,
                points,
                colour,
                weight=weight,
                anchor="middle",
                halo=True,
            )
        return drawn

    def _link_label(self, link: Line) -> str:
        (x0, y0), (x1, y1), _ = self._ends(link)
        name, size = LINK_KINDS[link.kind].label, 10.0
        wide, length = _width(name, size), hypot(x1 - x0, y1 - y0)
        if length < wide + 8:
            return ""
        way = atan2(y1 - y0, x1 - x0)
        for part in (0.5, 0.45, 0.55, 0.4, 0.6, 0.35, 0.65, 0.3, 0.7):
            if min(part, 1 - part) * length < wide / 2 + 2:
                continue
            x, y = x0 + part * (x1 - x0), y0 + part * (y1 - y0)
            steps = [(step / 8 - 0.5) * wide for step in range(9)]
            dots = [(x + step * cos(way), y + step * sin(way)) for step in steps]
            boxes = [(a - 5, b - 5, a + 5, b + 5) for a, b in dots]
            if not any(self.room.covered(box) for box in boxes):
                break
        else:
            return ""
        for box in boxes:
            self.room.cover(box)
        turned = degrees(way)
        turned -= 180 * round(turned / 180)  # never upside down
        drawn = self._text(
            (x, y + 0.32 * size), name, size, self.palette.muted, anchor="middle", halo=True
        )
        return f'<g transform="rotate({turned:.1f} {x:.1f} {y:.1f})">{drawn}</g>\n'

    def _counts(self) -> list[str]:
        kinds = Counter(node.kind for node in self.nodes)
        return [
            f"{many:,} {(kind.singular if many == 1 else kind.plural).lower()}"
            for kind in NODE_KINDS.values()
            if (many := kinds[kind.name])
        ]

    def _caption(self) -> str:
        return (
            f"{len(self.nodes):,} visible / {self.total:,} total nodes / {len(self.links):,} links"
        )

    def _legend(self) -> tuple[str, float]:
        """Return what the signs mean, with counts, and the height of the whole picture."""
        kinds = Counter(node.kind for node in self.nodes)
        shown = [kind for kind in NODE_KINDS if kinds[kind]]
        entries = list[tuple[str, str]]()
        for kind, told in zip(shown, self._counts(), strict=True):
            shape, colour = quoteattr(_shape(kind, (8, -4), 7)), self.palette.kinds[kind]
            entries.append((f'<path d={shape} fill="{colour}"/>', told))
        drawn = Counter(link.kind for link in self.links)
        for name in LINK_KINDS:
            if drawn[name]:
                colour, width = self._stroke(name)
                stroke = f'stroke="{colour}" stroke-width="{width + 0.5}"'
                told = f"{LINK_KINDS[name].label} {drawn[name]:,}"
                entries.append((f'<path d="M0 -4H17" {stroke}/>', told))
        x, y, out = 32.0, self.bottom + 26, ""
        stroke = f'stroke="{self.palette.line}" stroke-width="0.6" opacity="0.6"'
        rule = f'<path d="M32 {self.bottom:.0f}H{self.width - 32:.0f}" {stroke}/>'
        for sign, told in entries:
            wide = 24 + _width(told, 12) + 22
            if x + wide > self.width - 16:
                x, y = 32.0, y + 22
            name = self._text((24, 0), told, 12, self.palette.muted)
            out += f'<g transform="translate({x:.1f} {y:.1f})">{sign}{name}</g>\n'
            x += wide
        y += 24 if entries else 0
        caption = self._text((32, y), self._caption(), 12, self.palette.ink, weight=600)
        return rule + out + caption, y + 24

    def _text(
        self,
        at: Point,
        text: str,
        size: float,
        colour: str,
        *,
        weight: int = 400,
        anchor: str = "start",
        halo: bool = False,
    ) -> str:
        around = ""
        if halo:
            around = (
                f' stroke="{self.palette.paper}" stroke-width="{0.28 * size:.1f}" '
                'stroke-linejoin="round" paint-order="stroke"'
            )
        return (
            f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" font-size="{size:.1f}" '
            f'font-weight="{weight}" text-anchor="{anchor}" fill="{colour}"{around}>'
            f"{_plain(text)}</text>"
        )


def _shape(kind: str, at: Point, radius: float) -> str:
    """Return the outline of a kind's shape as the data of a path."""
    if kind == "person":
        x, y = at
        arc = f"a{radius:.1f} {radius:.1f} 0 1 0 "
        return f"M{x - radius:.1f} {y:.1f}{arc}{2 * radius:.1f} 0{arc}{-2 * radius:.1f} 0Z"
    if kind in ("work", "model", "data"):
        wide, high, bend = {
            "work": (0.9, 0.9, 0.34),
            "model": (0.86, 0.86, 0.06),
            "data": (1.12, 0.74, 0.6),
        }[kind]
        return _box(at, wide * radius, high * radius, bend * radius)
    corners, first = {
        "topic": (6, 0.0),
        "method": (4, 0.0),
        "run": (3, -pi / 2),
    }[kind]
    grown = radius * {6: 1.06, 4: 1.14, 3: 1.26}[corners]
    x, y = at[0], at[1] + (0.16 * radius if corners == 3 else 0.0)  # its weight is low
    turns = [first + 2 * pi * corner / corners for corner in range(corners)]
    points = [f"{x + grown * cos(turn):.1f} {y + grown * sin(turn):.1f}" for turn in turns]
    return f"M{'L'.join(points)}Z"


def _box(at: Point, wide: float, high: float, bend: float) -> str:
    x, y = at[0] - wide, at[1] - high
    across, along, arc = 2 * (wide - bend), 2 * (high - bend), f"a{bend:.1f} {bend:.1f} 0 0 1 "
    return (
        f"M{x + bend:.1f} {y:.1f}h{across:.1f}{arc}{bend:.1f} {bend:.1f}v{along:.1f}"
        f"{arc}{-bend:.1f} {bend:.1f}h{-across:.1f}{arc}{-bend:.1f} {-bend:.1f}v{-along:.1f}"
        f"{arc}{bend:.1f} {-bend:.1f}Z"
    )


def _width(text: str, size: float) -> float:
    """Return about how wide a text is: nobody here has the font."""
    return size * sum(1.0 if ord(sign) > 0x2E7F else 0.56 for sign in text)


def _legal(text: str) -> str:
    """Return a text without the signs that XML does not allow."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)


def _plain(text: str) -> str:
    return escape(_legal(text))
