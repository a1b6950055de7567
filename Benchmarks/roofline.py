"""Draws the roofline of a network: every layer's rate over its operations per byte.

    rnw bench resnet50_v2 --json > bench.json
    python roofline.py bench.json ../docs/roofline.svg

The roof is what the machine can do: the rate of multiply-adds in registers, and the rate of copies in memory times the
operations per byte. Winograd's and Strassen's methods need fewer products than are counted here: their layers may lie above
the roof.
"""

import json
import math
import sys
from html import escape

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 760, 440, 64, 48, 24, 16


def main() -> None:
    with open(sys.argv[1]) as file:
        bench = json.load(file)
    layers = [layer for layer in bench["layers"] if layer["operations"] > 0]
    peak, bandwidth = bench["peakGigaflops"], bench["copyGigabytesPerSecond"]
    points = [(layer["operations"] / layer["bytes"], layer["gigaflops"], layer["name"]) for layer in layers]
    xs, ys = axis([x for x, _, _ in points]), axis([y for _, y, _ in points] + [peak])
    place = scale(xs, ys)
    with open(sys.argv[2], "w") as file:
        file.write(svg(bench, points, peak, bandwidth, xs, ys, place))


def axis(values: list[float]) -> tuple[float, float]:
    """The powers of two around the values."""
    return 2 ** math.floor(math.log2(min(values)) - 0.2), 2 ** math.ceil(math.log2(max(values)) + 0.2)


def scale(xs, ys):
    def place(x: float, y: float) -> tuple[float, float]:
        across = math.log2(x / xs[0]) / math.log2(xs[1] / xs[0])
        up = math.log2(y / ys[0]) / math.log2(ys[1] / ys[0])
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - BOTTOM - TOP)

    return place


def svg(bench, points, peak, bandwidth, xs, ys, place) -> str:
    knee = peak / bandwidth
    # Where the roof comes into the picture: at its left side or from below.
    first = max(xs[0], ys[0] / bandwidth)
    roof = [(first, min(peak, first * bandwidth)), (max(knee, first), peak), (xs[1], peak)]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="11">',
        "<style>text{fill:#333}.grid{stroke:#ddd}.roof{stroke:#333;fill:none;stroke-width:1.5}.fewer{fill:#c2410c}"
        ".other{fill:#1d4ed8}@media(prefers-color-scheme:dark){text{fill:#ddd}.grid{stroke:#444}.roof{stroke:#ddd}"
        ".fewer{fill:#fb923c}.other{fill:#93c5fd}}</style>",
        f"<title>Roofline of {escape(bench['architecture'])}, {escape(bench['kernels'])} kernels, "
        f"{bench['threads']} threads</title>",
    ]
    for x in powers(xs):
        left, bottom = place(x, ys[0])
        lines.append(f'<line class="grid" x1="{left:.1f}" x2="{left:.1f}" y1="{TOP}" y2="{bottom:.1f}"/>')
        lines.append(f'<text x="{left:.1f}" y="{bottom + 16:.1f}" text-anchor="middle">{x:g}</text>')
    for y in powers(ys):
        left, top = place(xs[0], y)
        lines.append(f'<line class="grid" x1="{left}" x2="{WIDTH - RIGHT}" y1="{top:.1f}" y2="{top:.1f}"/>')
        lines.append(f'<text x="{left - 6}" y="{top + 4:.1f}" text-anchor="end">{y:g}</text>')
    path = " ".join("{:.1f},{:.1f}".format(*place(*point)) for point in roof)
    lines.append(f'<polyline class="roof" points="{path}"/>')
    for x, y, name in points:
        left, top = place(x, y)
        kind = "fewer" if y > peak else "other"
        lines.append(
            f'<circle class="{kind}" cx="{left:.1f}" cy="{top:.1f}" r="4" fill-opacity="0.7">'
            f"<title>{escape(name)}: {y:.0f} GFLOP/s, {x:.1f} operations per byte</title></circle>")
    lines.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 8}" text-anchor="end">operations per byte</text>')
    lines.append(f'<text x="8" y="{TOP - 8}">GFLOP/s (peak {peak:.0f}; copies {bandwidth:.0f} GB/s)</text>')
    lines.append(
        f'<text x="{WIDTH - RIGHT}" y="{TOP - 8}" text-anchor="end">above the roof: layers with fewer products</text>')
    return "\n".join(lines) + "\n</svg>\n"


def powers(limits: tuple[float, float]) -> list[float]:
    first, last = round(math.log2(limits[0])), round(math.log2(limits[1]))
    return [2.0**power for power in range(first, last + 1)]


if __name__ == "__main__":
    main()
