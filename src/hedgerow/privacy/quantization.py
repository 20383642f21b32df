"""From clipped vectors to integers: stochastic rounding with an exact sensitivity."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from hedgerow.errors import ConfigError
from hedgerow.privacy.randomness import Stream
from hedgerow.privacy.ring import Ring

INFLATION = 0.01
"""How much rounding may add to the sensitivity, and to the standard deviation of the noise."""
FINE = 2.0**20
"""Steps from 0 to the clip where there is no noise to hide rounding in."""
FINEST = 2.0**46
"""The most steps from 0 to the clip; beyond them floats could not be scaled exactly enough."""
SLACK = 1e-6
"""By which fraction a vector may exceed its clip, as 32-bit arithmetic does."""

_CHUNK = 1 << 16


@dataclass(frozen=True)
class Quantizer:
    """Scales a vector and rounds it to integers at random, so that its norm stays bounded.

    This is conditional randomised rounding (Kairouz, Liu and Steinke 2021, The Distributed
    Discrete Gaussian Mechanism for Federated Learning). The bound on the integer vector's norm
    holds for certain, because a vector that breaks it is drawn again; it is kept with probability
    at least ``1 - exp(-1/2)``, and nearly always when the vector is long.

    Parameters
    ----------
    clip
        The L2 bound on the vectors handed in.
    scale
        Steps per unit.
    size
        The number of coordinates.
    """

    clip: float
    scale: float
    size: int

    def __post_init__(self) -> None:
        if not 0 < self.clip < math.inf or not 0 < self.scale < math.inf or self.size < 1:
            raise ConfigError("A clip, a scale and a size of vectors are numbers above 0.")
        if self.clip * self.scale > FINEST:
            raise ConfigError(
                f"A clip has at most 2**46 steps, not {self.clip * self.scale:.3g}; "
                "take a smaller scale."
            )

    @classmethod
    def for_sum(cls, clip: float, size: int, clients: int, multiplier: float) -> Self:
        """Return the coarsest quantizer whose rounding costs little.

        With noise, the steps from 0 to the clip are so many that rounding adds at most 1 % to the
        sensitivity (about 3.5 per root of the size), and that the rounding of all clients, with
        a variance of at most 1/4 each, adds at most 1 % to the standard deviation of the noise.
        Without noise they are 2**20.

        Parameters
        ----------
        clip
            The L2 bound on each client's vector.
        size
            The number of coordinates.
        clients
            The largest number of clients in a sum.
        multiplier
            The noise's standard deviation over the sensitivity; 0 where there is none.

        Raises
        ------
        ConfigError
            A number is outside its range.
        """
        if not 0 <= multiplier < math.inf or clients < 1 or size < 1:
            raise ConfigError("A sum has a size and clients, and a noise multiplier from 0 up.")
        if multiplier == 0:
            steps = FINE
        else:
            # (1 + INFLATION)**2 * steps**2 >= steps**2 + size/4 + steps + sqrt(size)/2, solved.
            spare = (1 + INFLATION) ** 2 - 1
            rest = size / 4 + math.sqrt(size) / 2
            hidden = math.sqrt(clients / 4 / spare) / multiplier
            steps = max((1 + math.sqrt(1 + 4 * spare * rest)) / (2 * spare), hidden)
        if not 0 < clip < math.inf:
            raise ConfigError(f"A clip is a number above 0, not {clip}.")
        # Whole steps, so that a count at its clip, or a 1 among zeros, needs no rounding.
        return cls(clip, math.ceil(steps) / clip, size)

    @property
    def largest_square(self) -> int:
        """The bound on the squared L2 norm of an integer vector, in steps squared."""
        steps, root = self.clip * self.scale, math.sqrt(self.size)
        certain = (steps + root) ** 2
        # Their bound with beta = exp(-1/2), for which sqrt(2 log(1 / beta)) is 1.
        likely = steps**2 + self.size / 4 + steps + root / 2
        return math.floor(min(certain, likely))

    @property
    def sensitivity(self) -> float:
        """The bound on the L2 norm of an integer vector, in steps."""
        return math.nextafter(math.sqrt(self.largest_square), math.inf)

    @property
    def bound(self) -> int:
        """The largest absolute value of a coordinate, in steps."""
        return math.isqrt(self.largest_square)

    def ring(self, clients: int, noise_bound: int) -> Ring:
        """Return the narrowest ring in which a sum cannot overflow.

        Parameters
        ----------
        clients
            The largest number of vectors in the sum.
        noise_bound
            The largest absolute value of all noise together, in steps.

        Raises
        ------
        ConfigError
            Even 64 bits are too few.
        """
        return Ring.holding(clients * self.bound + noise_bound)

    def quantize(self, vector: NDArray[np.floating], stream: Stream) -> NDArray[np.int64]:
        """Return the scaled vector rounded to integers, each up or down at random.

        Before any is drawn again the mean is the scaled vector, to within 2**-53 of a step.
        Drawing again shortens a vector whose norm is at the clip, by a fraction of one step.

        Parameters
        ----------
        vector
            Shape (size,); its L2 norm is at most ``clip``, but for float rounding.
        stream
            A secret one: who knows it, knows how each value was rounded.

        Raises
        ------
        ValueError
            The vector has another shape, is not finite or exceeds the clip.
        """
        scaled = self._scaled(vector)
        down = np.floor(scaled)
        scaled -= down
        # Floats hold these integers exactly.
        drawn = np.empty(self.size)
        while True:
            for start in range(0, self.size, _CHUNK):
                part = slice(start, start + _CHUNK)
                up = stream.uniform(len(down[part])) < scaled[part]
                np.add(down[part], up, out=drawn[part])
            if self._fits(drawn):
                return drawn.astype(np.int64)

    def dequantize(self, total: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return a sum of integer vectors in the vectors' own unit."""
        return total / self.scale

    def _scaled(self, vector: NDArray[np.floating]) -> NDArray[np.float64]:
        if vector.shape != (self.size,):
            raise ValueError(f"expected a vector of {self.size} values, got shape {vector.shape}")
        exact = vector.astype(np.float64)
        norm = float(np.linalg.norm(exact))
        if not norm <= self.clip * (1 + SLACK):
            raise ValueError(f"the vector's norm {norm:g} exceeds the clip {self.clip:g}")
        # A vector that is over by rounding is brought back, or it might never be kept.
        exact *= self.scale * min(1.0, self.clip / norm if norm else 1.0)
        return exact

    def _fits(self, drawn: NDArray[np.float64]) -> bool:
        limit = self.largest_square
        square = float(drawn @ drawn)
        # Floats decide unless they are too close to call; the sum of so many squares errs by
        # less than this whatever its order.
        if abs(square - limit) > (self.size + 4) * 2.0**-52 * limit:
            return square < limit
        return sum(int(value) ** 2 for value in drawn) <= limit
