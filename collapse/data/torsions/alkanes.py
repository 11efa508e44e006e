"""The exact law of butane's torsion angle, and of ideal chains of such torsions.

A torsion angle says how far the bonds before and after a bond are turned against each
other: 0 where they are on the same side (cis), pi in the stretched molecule (trans).
In the united-atom model its potential is a cosine series u(phi), and at temperature T
its density is exp(-u / T) over an integral that a quadrature gives to rounding error.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from collapse.numerics import draws
from collapse.numerics.threefry import Key

# c1, c2, c3 in kelvin of u = c1 (1 + cos) + c2 (1 - cos 2) + c3 (1 + cos 3): TraPPE,
# Martin & Siepmann 1998 (J. Phys. Chem. B 102:2569), by way of OPLS
BUTANE = (355.03, -68.19, 791.32)
KELVIN = 300.0
CELLS = 4096  # of the table; within one the density is constant
_POINTS = 4  # of Gauss and Legendre's quadrature in each cell


class TorsionLaw(NamedTuple):
    """The law of one torsion angle, in arrays alone, so that temperatures can be swept.

    Attributes:
      reduced: [3] coefficients of the potential over the temperature.
      log_mass: log of the integral of exp(-u / T) over one turn.
      angles: [CELLS + 1] edges of cells from -pi to pi, in radians.
      below: [CELLS + 1] probability of smaller angles, from 0 to 1.
    """

    reduced: Float[np.ndarray, " 3"]
    log_mass: Float[np.ndarray, ""]
    angles: Float[np.ndarray, " edges"]
    below: Float[np.ndarray, " edges"]


def torsion_law(
    kelvin: float = KELVIN, potential: tuple[float, float, float] = BUTANE
) -> TorsionLaw:
    """The law of a torsion angle at a temperature; float64.

    Args:
      kelvin: temperature, positive.
      potential: c1, c2, c3 in kelvin.

    Raises:
      ValueError: if the temperature is not positive.
    """
    if not 0 < kelvin < np.inf:
        raise ValueError(f"kelvin must be positive and finite, got {kelvin}")
    reduced = np.asarray(potential, np.float64) / kelvin
    edges = np.linspace(-np.pi, np.pi, CELLS + 1)
    nodes, weights = np.polynomial.legendre.leggauss(_POINTS)
    half = np.pi / CELLS
    inside = (edges[:-1] + half)[:, None] + half * nodes
    lowest = _energy(reduced, edges).min()
    mass = half * np.exp(lowest - _energy(reduced, inside)) @ weights
    below = np.concatenate([[0.0], np.cumsum(mass)])
    total = np.log(below[-1]) - lowest
    return TorsionLaw(reduced, np.asarray(total), edges, below / below[-1])


def sample(
    key: Key, law: TorsionLaw, num: int, torsions: int = 1
) -> Float[Array, "num torsions"]:
    """Independent angles [num, torsions] in [-pi, pi), in radians; consumes the key.

    Several torsions are those of an ideal chain: independent, each as in butane. Butane
    has 1, and an n-alkane n - 3. A real pentane avoids one of the pairs that are turned
    in opposite senses, since its ends would touch; here it does not.

    By inversion of the distribution function, linear between the edges of the table's
    cells: Fourier moments are off by less than 1e-6.

    Args:
      key: consumed.
      law: of each torsion.
      num: molecules.
      torsions: of a molecule.
    """
    u = draws.uniform(key, (torsions, num), jnp.result_type(float))
    below, angles = (jnp.asarray(x, u.dtype) for x in (law.below, law.angles))
    found = jnp.interp(u, below, angles)
    # in float32 the last edge is above pi, and it may be reached by rounding
    return jnp.where(found < angles[-1], found, angles[0]).T


def log_density(
    law: TorsionLaw, angles: Float[Array, "num torsions"]
) -> Float[Array, " num"]:
    """Log-density [num] of molecules, the sum over their torsions, in nats; exact."""
    reduced, total = (jnp.asarray(x, angles.dtype) for x in law[:2])
    each = -_energy(reduced, angles) - total
    return jnp.sum(each, axis=1)


def _energy(reduced, angles):
    """The potential over the temperature, at angles of any shape."""
    xp = np if isinstance(angles, np.ndarray) else jnp
    c1, c2, c3 = reduced
    waves = [c1 * (1 + xp.cos(angles)), c2 * (1 - xp.cos(2 * angles))]
    return sum(waves) + c3 * (1 + xp.cos(3 * angles))
