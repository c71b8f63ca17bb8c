"""The plot of growth: time and memory against tasks, as an SVG that reads on light and on dark."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Final
from xml.sax.saxutils import escape

Points = Sequence[tuple[float, float]]

_STYLE: Final = """
  text { font: 12px system-ui, sans-serif; fill: #24292f; }
  .title { font-weight: 600; font-size: 13px; }
  .grid { stroke: #d0d7de; stroke-width: 1; }
  .line { fill: none; stroke-width: 2; }
  .c0 { stroke: #0969da; } .c1 { stroke: #1a7f37; } .c2 { stroke: #bc4c00; } .c3 { stroke: #8250df; }
  .c4 { stroke: #9a6700; } .c5 { stroke: #cf222e; }
  .c0.dot { fill: #0969da; } .c1.dot { fill: #1a7f37; } .c2.dot { fill: #bc4c00; } .c3.dot { fill: #8250df; }
  .c4.dot { fill: #9a6700; } .c5.dot { fill: #cf222e; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .grid { stroke: #3d444d; }
    .c0 { stroke: #4493f8; } .c1 { stroke: #3fb950; } .c2 { stroke: #f0883e; } .c3 { stroke: #ab7df8; }
    .c4 { stroke: #d29922; } .c5 { stroke: #f85149; }
    .c0.dot { fill: #4493f8; } .c1.dot { fill: #3fb950; } .c2.dot { fill: #f0883e; } .c3.dot { fill: #ab7df8; }
    .c4.dot { fill: #d29922; } .c5.dot { fill: #f85149; }
  }
"""
_COLOURS: Final = 6
_WIDTH, _HEIGHT, _GAP = 340.0, 240.0, 80.0
_LEFT, _TOP, _LEGEND = 60.0, 30.0, 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One diagram, both axes logarithmic; `series` by the name in the legend, each of points with values above 0.
    `show` writes a value of the upright axis.
    """

    title: str
    series: Mapping[str, Points]
    show: Callable[[float], str]


def svg(panels: Sequence[Panel]) -> str:
    """The panels side by side, with one legend below. The same name has the same colour everywhere."""
    names = list(dict.fromkeys(name for panel in panels for name in panel.series))
    width = _LEFT + len(panels) * (_WIDTH + _GAP)
    height = _TOP + _HEIGHT + 50 + _LEGEND * len(names)
    body = [
        line for number, panel in enumerate(panels) for line in _panel(panel, names, _LEFT + number * (_WIDTH + _GAP))
    ]
    for number, name in enumerate(names):
        y = _TOP + _HEIGHT + 55 + _LEGEND * number
        body.append(
            f'<line class="line {_colour(names, name)}" x1="{_LEFT:g}" y1="{y:g}" x2="{_LEFT + 24:g}" y2="{y:g}"/>'
        )
        body.append(f'<text x="{_LEFT + 32:g}" y="{y + 4:g}">{escape(name)}</text>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img">'
    titles = escape("; ".join(panel.title for panel in panels))
    return "\n".join([head, f"<title>{titles}</title>", f"<style>{_STYLE}</style>", *body, "</svg>", ""])


def _panel(panel: Panel, names: Sequence[str], left: float) -> list[str]:
    points = [point for some in panel.series.values() for point in some]
    across, up = _Axis.over([x for x, _ in points]), _Axis.over([y for _, y in points])

    def at(x: float, y: float) -> tuple[float, float]:
        return left + across.share(x) * _WIDTH, _TOP + (1 - up.share(y)) * _HEIGHT

    lines = [f'<text class="title" x="{left:g}" y="{_TOP - 12:g}">{escape(panel.title)}</text>']
    for value in across.ticks:
        x, _ = at(value, up.lowest)
        lines.append(f'<line class="grid" x1="{x:.1f}" y1="{_TOP:g}" x2="{x:.1f}" y2="{_TOP + _HEIGHT:g}"/>')
        lines.append(f'<text x="{x:.1f}" y="{_TOP + _HEIGHT + 18:g}" text-anchor="middle">{value:,.0f}</text>')
    for value in up.ticks:
        _, y = at(across.lowest, value)
        lines.append(f'<line class="grid" x1="{left:g}" y1="{y:.1f}" x2="{left + _WIDTH:g}" y2="{y:.1f}"/>')
        lines.append(f'<text x="{left - 6:g}" y="{y + 4:.1f}" text-anchor="end">{escape(panel.show(value))}</text>')
    for name, some in panel.series.items():
        colour = _colour(names, name)
        placed = [at(x, y) for x, y in sorted(some)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        lines.append(f'<polyline class="line {colour}" points="{path}"/>')
        lines += [f'<circle class="dot {colour}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in placed]
    return lines


def _colour(names: Sequence[str], name: str) -> str:
    return f"c{names.index(name) % _COLOURS}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axis:
    """From one power of ten, or of two where a power of ten would be too coarse, to another."""

    lowest: float
    highest: float
    ticks: Sequence[float]

    @classmethod
    def over(cls, values: Sequence[float]) -> _Axis:
        first, last = floor(log10(min(values))), ceil(log10(max(values)))
        if last - first > 1:
            ticks = [10.0**power for power in range(first, last + 1)]
            return cls(lowest=ticks[0], highest=ticks[-1], ticks=ticks)
        base = 10.0**first
        ticks = [base * step for step in (1, 2, 5, 10, 20)]
        lowest = max(one for one in ticks if one <= min(values))
        highest = min(one for one in ticks if one >= max(values) and one > lowest)
        return cls(lowest=lowest, highest=highest, ticks=[one for one in ticks if lowest <= one <= highest])

    def share(self, value: float) -> float:
        """How far along the axis it is, from 0 to 1."""
        return log10(value / self.lowest) / log10(self.highest / self.lowest)
