"""Arithmetic that gives the same bits on every processor.

IEEE 754 fixes the result of an addition, a multiplication, a division and a square root, but not the order in which a
library adds, and not the last digit of a sine. BLAS adds in an order that depends on the processor; NumPy and the C
library have several versions of ``exp``, ``sin`` or ``arctan2`` and choose by the processor. The functions here
are made of the four operations alone, in an order that the source fixes, an array operation at a time, so that no
compiler can merge two of them into one with another rounding.

Sums of NumPy (``sum``, ``mean``, ``cumsum``) may be used: their order depends on the shape of an array alone.

Percentiles and medians are here for their speed: NumPy sorts with vector instructions; where it selects instead, as
``np.percentile`` and ``np.median`` do, most of the time goes into what is around it.
"""

import math
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]
Real = TypeVar("Real", np.float32, np.float64)

_LN2 = 0.6931471805599453
_LN2_HIGH, _LN2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10  # their sum has 30 digits of ln 2
_EXP = tuple(1 / math.factorial(power) for power in range(13, -1, -1))
_SINE = tuple((1 - power % 2 * 2) / math.factorial(2 * power + 1) for power in range(10, -1, -1))
_SINE_32 = _SINE[-6:]
_S0, _S1, _S2, _S3, _S4, _S5, _S6, _S7, _S8, _S9, _S10 = _SINE
_ARCTAN = tuple((1 - power % 2 * 2) / (2 * power + 1) for power in range(12, -1, -1))
_TURN = 2 * math.pi


def product(left: Float, right: Float) -> Float:
    """Multiply two small matrices.

    Args:
        left: shape (..., rows, terms).
        right: shape (terms, columns).

    Returns:
        Shape (..., rows, columns).

    Example:
        >>> product(np.array([[1.0, 2.0]]), np.array([[3.0], [0.5]]))
        array([[4.]])
    """
    return np.asarray(np.add.reduce(left[..., None] * right, axis=-2))


def solve(matrix: Float, target: Float) -> Float:
    """Solve linear equations by Gaussian elimination with row pivots.

    Args:
        matrix: shape (n, n).
        target: shape (n,).

    Returns:
        The x of ``matrix @ x = target``, shape (n,).

    Raises:
        ZeroDivisionError: when the matrix is singular.

    Example:
        >>> solve(np.array([[0.0, 2.0], [4.0, 0.0]]), np.array([1.0, 2.0]))
        array([0.5, 0.5])
    """
    rows = np.column_stack([matrix, target]).astype(np.float64)
    for step in range(len(rows)):
        pivot = step + int(np.abs(rows[step:, step]).argmax())
        if rows[pivot, step] == 0:
            raise ZeroDivisionError("the matrix is singular")
        rows[[step, pivot]] = rows[[pivot, step]]
        rows[step] /= rows[step, step]
        others = rows[:, step].copy()
        others[step] = 0.0
        rows -= others[:, None] * rows[step]
    return np.asarray(rows[:, -1])


def limit(value: float, low: float, high: float) -> float:
    """Keep a number within limits; faster than ``np.clip``."""
    return min(max(float(value), low), high)


def norm(vectors: Float) -> Float:
    """Length of vectors along the last axis."""
    return np.asarray(np.sqrt(np.add.reduce(vectors * vectors, axis=-1)))


def exp(values: Float) -> Float:
    """The exponential function of an array, to 1 part in 10^8 between -4 and 4, which is enough for amplitudes.

    Source:
        ``exp(x) = exp(x / 64) ** 64``, the first factor by its Taylor series, the power by six squares.
    """
    part = np.asarray(values) * (1 / 64)
    total = part * _EXP[-6]
    for coefficient in _EXP[-5:-1]:
        total += coefficient
        total *= part
    total += 1
    for _ in range(6):
        total *= total
    return total


def exp_of(value: float) -> float:
    """The exponential function of a number, to 1 part in 10^15.

    Source:
        Range reduction to half of ln 2 on either side of zero, and the Taylor series.

    Example:
        >>> exp_of(0.0), round(exp_of(1.0), 12)
        (1.0, 2.718281828459)
    """
    power = round(value / _LN2)
    rest = (value - power * _LN2_HIGH) - power * _LN2_LOW
    total = _EXP[0]
    for coefficient in _EXP[1:]:
        total = total * rest + coefficient
    return math.ldexp(total, power)


def sine(turns: npt.NDArray[Real]) -> npt.NDArray[Real]:
    """The sine of angles in turns (1 is the full circle), to 1e-15 in float64 and 1e-7 in float32.

    Args:
        turns: any shape.

    Returns:
        An array of the same shape and type.

    Example:
        >>> sine(np.array([0.0, 0.25, 0.75]))
        array([ 0.,  1., -1.])
    """
    turned = turns - np.rint(turns)
    np.minimum(turned, 0.5 - turned, out=turned)
    np.maximum(turned, -0.5 - turned, out=turned)
    angle = turned * turned.dtype.type(_TURN)
    square = angle * angle
    single = turned.dtype == np.float32
    coefficients = _SINE_32 if single else _SINE
    total = np.full_like(square, coefficients[0])
    for coefficient in coefficients[1:]:
        total *= square
        total += turned.dtype.type(coefficient)
    total *= angle
    return total


def sine_of(turns: float) -> float:
    """The sine of one angle in turns; the same bits as :func:`sine` in float64."""
    turned = turns - round(turns)
    angle = max(min(turned, 0.5 - turned), -0.5 - turned) * _TURN
    square = angle * angle
    total = ((((_S0 * square + _S1) * square + _S2) * square + _S3) * square + _S4) * square + _S5
    total = ((((total * square + _S6) * square + _S7) * square + _S8) * square + _S9) * square + _S10
    return total * angle


def cosine_and_sine(angle: float) -> tuple[float, float]:
    """Both of one angle in radians."""
    turns = angle / _TURN
    return sine_of(turns + 0.25), sine_of(turns)


def direction(y: float, x: float) -> float:
    """The angle of a vector against the X axis, radians, from -pi to pi (as ``math.atan2``).

    Source:
        The arc tangent of a half angle, three times, and then its Taylor series.

    Example:
        >>> round(direction(1.0, -1.0) / math.pi, 12)
        0.75
    """
    length = math.sqrt(x * x + y * y)
    if length == 0:
        return 0.0
    if x < 0:  # measured from the Y axis, to which it is nearer
        quarter = math.pi / 2 if y >= 0 else -math.pi / 2
        return quarter + direction(-x, y) if y >= 0 else quarter - direction(-x, -y)
    tangent = y / (length + x)
    for _ in range(2):
        tangent = tangent / (1 + math.sqrt(1 + tangent * tangent))
    square = tangent * tangent
    total = _ARCTAN[0]
    for coefficient in _ARCTAN[1:]:
        total = total * square + coefficient
    return 8 * (total * tangent)


def cube_root(values: Float) -> Float:
    """The cube root of positive numbers near one, to 1 part in 10^15 from 0.05 to 30, by Newton's method.

    Example:
        >>> cube_root(np.array([0.125, 1.0])).round(9)
        array([0.5, 1. ])
    """
    root = (values + 2) / 3
    for _ in range(9):
        root = (2 * root + values / (root * root)) / 3
    return np.asarray(root)


def exp_minus(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The function ``exp(-x)`` of numbers from 0 on, fast: to 0.00006. The numbers are overwritten.

    Source:
        ``exp(-x) = exp(-x / 16) ** 16``, the first factor by its Taylor series, the power by four squares. It
        stays below 0.0000001 from 32 on.
    """
    part = np.minimum(values, np.float32(32), out=values)
    part *= np.float32(-1 / 16)
    result = part * np.float32(1 / 6)
    result += np.float32(0.5)
    result *= part
    result += np.float32(1)
    result *= part
    result += np.float32(1)
    for _ in range(4):
        np.multiply(result, result, out=result)
    return result


def percentiles(values: npt.NDArray[Any], percents: Sequence[float]) -> Float:
    """What ``np.percentile`` with its default method finds along the last axis.

    Args:
        values: shape (..., n), at least one; no NaN.
        percents: from 0 to 100.

    Returns:
        Shape (percents, ...).

    Example:
        >>> percentiles(np.array([[3.0, 1.0, 2.0], [5.0, 5.0, 9.0]]), (50, 75)).tolist()
        [[2.0, 5.0], [2.5, 7.0]]
    """
    ranked = np.sort(values, axis=-1)
    last = ranked.shape[-1] - 1
    found = np.empty((len(percents), *ranked.shape[:-1]))
    for row, percent in enumerate(percents):
        place = percent / 100 * last
        below = int(place)
        share = place - below
        low, high = ranked[..., below], ranked[..., min(below + 1, last)]
        # From the nearer end, as NumPy does: a percentile of equal values is that value.
        found[row] = low + (high - low) * share if share < 0.5 else high - (high - low) * (1 - share)
    return found


def medians(values: Float, axis: int) -> Float:
    """What ``np.median`` finds along an axis.

    Args:
        values: at least one along the axis; no NaN.
        axis: which goes.

    Example:
        >>> medians(np.array([[3.0, 1.0], [2.0, 7.0]]), axis=0).tolist()
        [2.5, 4.0]
    """
    ranked = np.sort(values, axis=axis)
    count = ranked.shape[axis]
    middle: Float = ranked.take(count // 2, axis)
    return middle if count % 2 else (ranked.take(count // 2 - 1, axis) + middle) / 2
