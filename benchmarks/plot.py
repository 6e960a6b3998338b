"""Draws a bar chart as SVG that can be read in the light and in the dark colour scheme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LEFT, RIGHT, TOP, ROW = 760, 200, 70, 52, 34
STYLE = """
  .page { fill: #fff; stroke: #d0d7de } text { fill: #1f2328; font: 14px system-ui, sans-serif }
  .title { font-weight: 600 } .range { stroke: #1f2328 }
  .bar { fill: #8c959f } .ours { fill: #1a7f5a }
  @media (prefers-color-scheme: dark) {
    .page { fill: #151b23; stroke: #3d444d } text { fill: #f0f6fc }
    .bar { fill: #656c76 } .ours { fill: #3fb98a } .range { stroke: #f0f6fc }
  }
"""


@dataclass(frozen=True)
class Bar:
    name: str
    value: float
    low: float
    high: float
    label: str
    ours: bool


def bars(title: str, rows: Sequence[Bar]) -> str:
    """A chart with one bar below the other; a thin line goes from `low` to `high` of each."""
    height = TOP + ROW * len(rows) + 14
    most = max((row.high for row in rows), default=1) or 1
    scale = (WIDTH - LEFT - RIGHT) / most
    values = "; ".join(f"{row.name} {row.label}" for row in rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
        f' aria-label="{escape(f"{title}: {values}")}">',
        f"<style>{STYLE}</style>",
        f'<rect class="page" x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
        f'<text class="title" x="20" y="30">{escape(title)}</text>',
    ]
    for number, row in enumerate(rows):
        y = TOP + ROW * number
        middle = y + ROW // 2 - 3
        at = [LEFT + scale * value for value in (row.value, row.low, row.high)]
        kind = "bar ours" if row.ours else "bar"
        parts += [
            f'<text x="{LEFT - 12}" y="{middle + 5}" text-anchor="end">{escape(row.name)}</text>',
            f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{at[0] - LEFT:.1f}" height="{ROW - 6}"'
            ' rx="2"/>',
            f'<path class="range" d="M{at[1]:.1f} {middle}H{at[2]:.1f}"/>',
            f'<text x="{at[2] + 8:.1f}" y="{middle + 5}">{escape(row.label)}</text>',
        ]
    return "\n".join([*parts, "</svg>\n"])
