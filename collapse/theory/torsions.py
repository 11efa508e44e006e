"""What is known of a torsion angle whose potential is a cosine series, by quadrature.

The density of the angle is exp(-u(phi) / T) / Z with

  u(phi) = c1 (1 + cos phi) + c2 (1 - cos 2 phi) + c3 (1 + cos 3 phi),

coefficients in kelvin. For butane they are 355.03, -68.19 and 791.32: the united-atom
model TraPPE (Martin & Siepmann 1998, J. Phys. Chem. B 102:2569). Everything here is an
adaptive quadrature of SciPy, with a relative error below 1e-8.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import integrate

Potential = Sequence[float]


def density(
    potential: Potential, kelvin: float
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """The density of the angle per radian, a function of angles of any shape.

    Args:
      potential: c1, c2, c3 in kelvin.
      kelvin: temperature T, positive.
    """
    if not 0 < kelvin < math.inf:
        raise ValueError(f"kelvin must be positive and finite, got {kelvin}")
    c1, c2, c3 = potential

    def energy(phi: NDArray[np.float64]) -> NDArray[np.float64]:
        waves = c1 * np.cos(phi) - c2 * np.cos(2 * phi) + c3 * np.cos(3 * phi)
        return (c1 + c2 + c3 + waves) / kelvin

    lowest = float(energy(np.linspace(-math.pi, math.pi, 3601)).min())
    mass = _integral(lambda phi: np.exp(lowest - energy(phi)), -math.pi, math.pi)
    return lambda phi: np.exp(lowest - energy(np.asarray(phi))) / mass


def share(potential: Potential, kelvin: float, low: float, high: float) -> float:
    """Probability of the angles from `low` to `high`, at most one turn, in radians."""
    return _integral(density(potential, kelvin), low, high)


def fourier_moment(potential: Potential, kelvin: float, order: int) -> float:
    """E cos(k phi) for k = `order`; the sine moments are 0 by symmetry."""
    own = density(potential, kelvin)
    return _integral(lambda phi: own(phi) * np.cos(order * phi), -math.pi, math.pi)


def entropy(potential: Potential, kelvin: float) -> float:
    """Differential entropy of the angle, -E log density, in nats."""
    own = density(potential, kelvin)
    return _integral(lambda phi: -own(phi) * np.log(own(phi)), -math.pi, math.pi)


def barrier(potential: Potential) -> tuple[float, float]:
    """The angle of the barrier between gauche and trans, and its height in kelvin.

    Between 90 and 150 degrees; the height is above trans.
    """
    c1, c2, c3 = potential
    phi = np.linspace(math.pi / 2, 5 * math.pi / 6, 60_001)
    waves = c1 * np.cos(phi) - c2 * np.cos(2 * phi) + c3 * np.cos(3 * phi)
    at_trans = -c1 - c2 - c3
    return float(phi[waves.argmax()]), float(waves.max() - at_trans)


def _integral(
    function: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    low: float,
    high: float,
) -> float:
    """The integral over angles, in pieces between the extrema of three waves."""
    inner = np.arange(-6, 7) * math.pi / 3
    edges = [low, *inner[(inner > low) & (inner < high)], high]
    pieces = [
        integrate.quad(function, a, b, epsabs=1e-12, epsrel=1e-10)[0]
        for a, b in zip(edges[:-1], edges[1:], strict=True)
    ]
    return math.fsum(pieces)
