"""What is measured of models that generate torsion angles."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from collapse.core.types import Key, Metric, Params
from collapse.data.torsions import alkanes, dipeptide
from collapse.measures import torus
from collapse.measures.modes import fourier_mode
from collapse.measures.torus import ALANINE, ALKANE, Conformers
from collapse.sims.diffusion.experiment import Diffusion
from collapse.sims.diffusion.fields import DIPEPTIDE, MODES
from collapse.sims.diffusion.measures import points
from collapse.theory import torsions as theory

# those of positive phi, which simulations reach over a high barrier
RARE_OF_DIPEPTIDE = ("alpha_L", "C7ax")


def of_angles(held_out: Float[Array, "m d"]) -> dict[str, Metric]:
    """The divergence of generated angles from those that were held out."""

    def divergence(key: Key, params: Params) -> Float[Array, ""]:
        del key
        return torus.torsion_divergence(points(params), held_out)

    return {"torsion_divergence": divergence}


def of_conformers(e: Diffusion) -> dict[str, Metric]:
    """Survival of rare conformers of known molecules, and modes of butane's law."""
    if e.data == DIPEPTIDE:
        share = _dipeptide_share()
        return {"rare_conformer_survival": _survival(ALANINE, RARE_OF_DIPEPTIDE, share)}
    if e.data or e.truth != "butane":
        return {}
    gauche, moments = _butane()

    def alone(key: Key, params: Params) -> Float[Array, ""]:
        flat = points(params).reshape(-1, 1)
        shares = torus.conformer_shares(flat, ALKANE)
        return (shares[1] + shares[2]) / gauche

    def pairs(key: Key, params: Params) -> Float[Array, ""]:
        return torus.gauche_pairs(points(params)) / gauche**2

    found: dict[str, Metric] = {"rare_conformer_survival": alone}
    if e.torsions > 1:
        found["gauche_pair_survival"] = pairs
    for order, moment in moments.items():
        known = np.full(e.torsions, moment + 0j)
        found[f"mode_{order}"] = fourier_mode(points, order, known)
    return found


def _survival(regions: Conformers, rare: tuple[str, ...], share: float) -> Metric:
    """Share of generated rows in some regions, over the real one."""
    chosen = np.array([regions.names.index(name) for name in rare])

    def measure(key: Key, params: Params) -> Float[Array, ""]:
        del key
        return jnp.sum(torus.conformer_shares(points(params), regions)[chosen]) / share

    return measure


@functools.cache
def _dipeptide_share() -> float:
    """Share of the rare conformers in the run that is held out."""
    with jax.ensure_compile_time_eval():  # a problem is made while it is traced
        angles = jnp.asarray(dipeptide.pairs("held_out"))
        found = np.asarray(torus.conformer_shares(angles, ALANINE))
    return float(sum(found[ALANINE.names.index(name)] for name in RARE_OF_DIPEPTIDE))


@functools.cache
def _butane() -> tuple[float, dict[int, float]]:
    """Share of gauche torsions, and E cos(k x) of butane by order k."""
    own = (alkanes.BUTANE, alkanes.KELVIN)
    gauche = 2 * theory.share(*own, 0.0, 2 * math.pi / 3)
    return gauche, {k: theory.fourier_moment(*own, k) for k in MODES["butane"]}
