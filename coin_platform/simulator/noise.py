"""Randomness with random access: numbers that depend on a seed and on what is asked for, alone.

Counter-based hashing (the finalizer of splitmix64, Steele et al. 2014) and value noise made from
it. Only exact operations (+ - * /) are used, so a value has the same bits in whatever order and
company it is computed.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def hashed(seed: int, *keys: Any) -> npt.NDArray[np.uint64]:
    """64 well-mixed bits for each combination of keys; the keys' shapes are broadcast."""
    with np.errstate(over="ignore"):
        state = np.asarray(seed % 2**64, dtype=np.uint64)
        for key in keys:
            state = (state ^ np.asarray(key).astype(np.uint64)) * _GOLDEN + _GOLDEN
            state = (state ^ (state >> np.uint64(30))) * _FIRST
            state = (state ^ (state >> np.uint64(27))) * _SECOND
            state = state ^ (state >> np.uint64(31))
    return state


def uniform(seed: int, *keys: Any) -> Floats:
    """Uniform in [0, 1), one for each combination of keys."""
    bits: Floats = (hashed(seed, *keys) >> np.uint64(11)).astype(np.float64)
    return bits * 2.0**-53


def growth(
    seed: int, stream: Integers, hours: Integers, octaves: tuple[tuple[int, float], ...], swing: Any
) -> Floats:
    """Positive factors around 1 that wander smoothly over time, shape (streams, hours).

    Each octave is (period in hours, amplitude): noise on a lattice of that period, smoothly joined.
    The amplitudes times `swing` (one for each stream) must stay below 1; each octave multiplies by
    (1 + a) / (1 - a), which is as likely to halve as to double.
    """
    factors = np.ones((len(stream), len(hours)))
    swings = np.broadcast_to(np.asarray(swing, dtype=np.float64), stream.shape)[:, None]
    for number, (period, amplitude) in enumerate(octaves):
        knots, position = np.unique(hours // period, return_inverse=True)
        at_knots = 2 * uniform(seed, stream[:, None], number, np.append(knots, knots + 1)) - 1
        before, after = at_knots[:, position], at_knots[:, position + len(knots)]
        part = (hours % period) / period
        moved = swings * amplitude * (before + (after - before) * (part * part * (3 - 2 * part)))
        factors *= (1 + moved) / (1 - moved)
    return factors
