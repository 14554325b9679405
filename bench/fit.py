"""Fits of measured curves: the exponent of a power law, and a straight line. Standard library only. Tested by bench/suite_test.py."""
import math


def least_squares(xs, ys, weights=None):
    """(a, b) of y = a + b x with the least (weighted) sum of squares."""
    weights = weights or [1.0] * len(xs)
    total = sum(weights)
    mx = sum(w * x for w, x in zip(weights, xs)) / total
    my = sum(w * y for w, y in zip(weights, ys)) / total
    spread = sum(w * (x - mx) ** 2 for w, x in zip(weights, xs))
    if spread == 0:
        raise ValueError("a line needs two different points")
    b = sum(w * (x - mx) * (y - my) for w, x, y in zip(weights, xs, ys)) / spread
    return my - b * mx, b


def exponent(points):
    """p of y = c x^p through [(x, y)], by least squares of the logarithms."""
    return least_squares([math.log(x) for x, _ in points], [math.log(y) for _, y in points])[1]


def line(points):
    """(fixed, per unit) of y = fixed + per * x with the least relative errors."""
    return least_squares([x for x, _ in points], [y for _, y in points], [1 / (y * y) for _, y in points])


def largest(points, share=0.5):
    """The points with the largest x: the upper half, at least three. Small sizes are ruled by what is fixed."""
    points = sorted(points)
    return points[-max(3, math.ceil(len(points) * share)):]
