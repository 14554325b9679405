"""Curves and bars as SVG, by hand: text in, text out, the same every time. Standard library only. Tested by bench/suite_test.py."""
import math
from html import escape

COLOURS = ["#2f6fb0", "#d0743c", "#4a9a62", "#8a5aa8", "#b04a5a", "#6b6b6b"]
FONT = 'font-family="system-ui, sans-serif"'
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 640, 360, 70, 40, 46


def number(x):
    """1.5k, 3M, 20m: three digits at most."""
    if x == 0:
        return "0"
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""), (1e-3, "m"), (1e-6, "µ")):
        if abs(x) >= limit * 0.9995:
            return f"{x / limit:.3g}{unit}"
    return f"{x:.2g}"


def text(x, y, words, anchor="middle", size=11, extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="#333"{extra}>{escape(words)}</text>'


def frame(title, width, height, body):
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {FONT}>',
                      f'<rect width="{width}" height="{height}" fill="#fff"/>', text(width / 2, 20, title, size=14), *body, "</svg>"]) + "\n"


def decades(low, high):
    return [10.0 ** e for e in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def curves(title, x_label, y_label, series):
    """Both axes logarithmic. series: {name: [(x, y)]}."""
    right = WIDTH - 150
    xs = [x for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points]
    x_ticks, y_ticks = decades(min(xs), max(xs)), decades(min(ys), max(ys))
    bottom = HEIGHT - BOTTOM
    at = lambda v, ticks, a, b: a + (math.log10(v) - math.log10(ticks[0])) / max(1, len(ticks) - 1) * (b - a)
    px = lambda x: at(x, x_ticks, LEFT, right)
    py = lambda y: at(y, y_ticks, bottom, TOP)
    body = []
    for t in x_ticks:
        body += [f'<line x1="{px(t):.1f}" y1="{TOP}" x2="{px(t):.1f}" y2="{bottom}" stroke="#e4e4e4"/>', text(px(t), bottom + 16, number(t))]
    for t in y_ticks:
        body += [f'<line x1="{LEFT}" y1="{py(t):.1f}" x2="{right}" y2="{py(t):.1f}" stroke="#e4e4e4"/>', text(LEFT - 6, py(t) + 4, number(t), "end")]
    body += [text((LEFT + right) / 2, HEIGHT - 10, x_label),
             text(16, (TOP + bottom) / 2, y_label, extra=f' transform="rotate(-90 16 {(TOP + bottom) / 2:.1f})"')]
    for i, (name, points) in enumerate(series.items()):
        colour, points = COLOURS[i % len(COLOURS)], sorted(points)
        line = " ".join(f"{px(x):.1f},{py(y):.1f}" for x, y in points)
        body += [f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.8"/>']
        body += [f'<circle cx="{px(x):.1f}" cy="{py(y):.1f}" r="2.6" fill="{colour}"/>' for x, y in points]
        body += [f'<rect x="{right + 12}" y="{TOP + 18 * i}" width="10" height="10" fill="{colour}"/>',
                 text(right + 28, TOP + 9 + 18 * i, name, "start")]
    return frame(title, WIDTH, HEIGHT, body)


def bars(title, unit, groups):
    """Horizontal bars on a logarithmic axis. groups: [(name, [(label, value or None, words)])]; None: no bar, only the words."""
    left, right, step = 190, 520, 17
    values = [v for _, entries in groups for _, v, _ in entries if v]
    ticks = decades(min(values), max(values))
    width = lambda v: max(1.0, (math.log10(v) - math.log10(ticks[0])) / max(1, len(ticks) - 1) * (right - left))
    body, y, labels = [], TOP + 8, []
    for name, entries in groups:
        body.append(text(left - 8, y + step * len(entries) / 2 - 2, name, "end", 12))
        for label, value, words in entries:
            if label not in labels:
                labels.append(label)
            colour = COLOURS[labels.index(label) % len(COLOURS)]
            if value:
                body.append(f'<rect x="{left}" y="{y - 6:.1f}" width="{width(value):.1f}" height="{step - 4}" fill="{colour}"/>')
            body.append(text(left + (width(value) if value else 0) + 6, y + 4, words, "start"))
            y += step
        y += 10
    for t in ticks:
        x = left + (0 if t == ticks[0] else width(t))
        body.insert(0, f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{y - 10}" stroke="#e4e4e4"/>')
        body.append(text(x, y + 6, number(t)))
    body.append(text((left + right) / 2, y + 24, unit))
    for i, label in enumerate(labels):
        body += [f'<rect x="{left + 150 * i}" y="{y + 34}" width="10" height="10" fill="{COLOURS[i % len(COLOURS)]}"/>',
                 text(left + 16 + 150 * i, y + 43, label, "start")]
    return frame(title, WIDTH, y + 56, body)
