"""A denoising diffusion model, or one with the exact score of its training rows."""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from collapse.core.types import Info, Key, Model, Weights
from collapse.models.diffusion import sampling
from collapse.models.diffusion.network import Network, NetworkConfig, network
from collapse.models.diffusion.noise import NoiseProcess
from collapse.models.diffusion.sampling import Sampler
from collapse.models.diffusion.training import Rows, TrainConfig, train
from collapse.numerics import threefry
from collapse.numerics.multinomial import categorical

Score = Literal["network", "rows", "exact"]


class DiffusionParams(NamedTuple):
    """A diffusion model.

    Attributes:
      weights: of the network; empty for an exact score.
      rows: [rows] that it was fitted to; empty positions hold zeros.
      shares: [rows], weights of these rows, sum 1.
      fits: number of fits before this one.
      time: at which its sampler stops.
      guidance: strength of it.
      seen: [measured] rows that it generates, for its metrics: sampling takes many
        steps, and metrics share them.
    """

    weights: dict
    rows: Rows
    shares: Float[Array, " rows"]
    fits: Int[Array, ""]
    time: Float[Array, ""]
    guidance: Float[Array, ""]
    seen: Rows


class Design(NamedTuple):
    """What is static in a model.

    Attributes:
      network: architecture.
      training: how the network is trained.
      noise: space and schedule.
      score: what the sampler follows: a network, the exact score of the training rows
        in steps, or that score without an error of steps.
      sampler: how a step is taken.
      steps: of the sampler.
      measured: rows generated for metrics.
      start: weights that training starts from: new ones, or the previous generation's.
      guided: whether classes are guided, so that two predictions are needed.
    """

    network: NetworkConfig
    training: TrainConfig = TrainConfig()
    noise: NoiseProcess = NoiseProcess()
    score: Score = "network"
    sampler: Sampler = "ddpm"
    steps: int = 50
    measured: int = 1000
    start: Literal["scratch", "previous"] = "scratch"
    guided: bool = False


def diffusion(
    design: Design,
    delta: float | Float[Array, ""] = 0.0,
    guidance: float | Float[Array, ""] = 1.0,
    decay: float | Float[Array, ""] = 0.0,
) -> Model:
    """The `Model` of denoising diffusion.

    Its info is `loss`, the mean squared error of the predicted noise at the end of
    training; 0 where nothing is trained.

    Args:
      design: what is static.
      delta: time of early stopping, in units in which noise takes e^-tau of a mean.
      guidance: strength w of classifier-free guidance, for labelled rows: predicted is
        (1 - w) times the noise of any class plus w times that of a row's own. 0 ignores
        the class, 1 is the model itself.
      decay: the t-th fit, counted from 1, stops at time delta t^-decay.

    References:
      Ho & Salimans 2022 (arXiv:2207.12598), guidance, whose w is ours less 1.
    """
    net = network(design.network)
    learned = design.score == "network"

    def stop(fits: Array, kind: jnp.dtype) -> Array:
        power = -jnp.asarray(decay, kind)
        return jnp.asarray(delta, kind) * (fits + 1).astype(kind) ** power

    def init(key: Key, batch: Rows, weights: Weights) -> DiffusionParams:
        begin = net.init(key) if learned else {}
        if design.start == "scratch":  # each fit draws its own; only shapes are used
            begin = jax.tree.map(jnp.zeros_like, jax.eval_shape(lambda: begin))
        none = jnp.zeros((design.measured, batch.points.shape[1]), batch.points.dtype)
        seen = Rows(none, jnp.zeros(design.measured, jnp.int32))
        zero = jnp.zeros((), batch.points.dtype)
        return DiffusionParams(begin, batch, weights, jnp.int32(-1), zero, zero, seen)

    def fit(
        key: Key, params: DiffusionParams, batch: Rows, weights: Weights
    ) -> tuple[DiffusionParams, Info]:
        init_key, train_key, seen_key = threefry.split(key, 3)
        shares, kind = weights / jnp.sum(weights), batch.points.dtype
        rows, fits, begin = _used(batch, shares), params.fits + 1, params.weights
        time, info = stop(fits, kind), {"loss": jnp.zeros((), kind)}
        if learned:
            begin = net.init(init_key) if design.start == "scratch" else begin
            how = (time, net, design.noise, design.training, design.network.classes)
            begin, loss = train(train_key, begin, rows, shares, *how)
            info = {"loss": loss}
        strength = jnp.asarray(guidance, kind)
        own = (begin, rows, shares, fits, time, strength)
        found = DiffusionParams(*own, params.seen)
        return found._replace(seen=sample(seen_key, found, design.measured)), info

    def sample(key: Key, params: DiffusionParams, num: int) -> Rows:
        return _generated(key, design, net, params, num)

    return Model(init, fit, sample)


def _used(batch: Rows, shares: Array) -> Rows:
    """The rows with zeros where they have no weight, whatever stands there."""
    return Rows(
        jnp.where(shares[:, None] > 0, batch.points, 0),
        jnp.where(shares > 0, batch.labels, 0),
    )


def _generated(
    key: Key, design: Design, net: Network, params: DiffusionParams, num: int
) -> Rows:
    """`num` rows of the model, labelled as the rows it learned; consumes the key."""
    pick_key, key = threefry.split(key)
    picked = categorical(pick_key, params.shares, num)
    labels = params.rows.labels[picked]
    if design.score == "exact":
        rows = params.rows.points[picked]
        return Rows(sampling.noised(key, rows, params.time, design.noise), labels)
    predict = _predictor(design, net, params, labels)
    shape = (num, params.rows.points.shape[1])
    own = (params.time, design.noise, design.sampler, design.steps)
    return Rows(sampling.sample(key, predict, shape, *own), labels)


def _predictor(
    design: Design,
    net: Network,
    params: DiffusionParams,
    labels: Int[Array, " num"],
) -> sampling.Predict:
    """Expected noise in points [num, d] of given classes."""
    if design.score == "rows":

        def of_rows(points: Array, alpha: Array, sigma: Array) -> Array:
            own = ((alpha, sigma), design.noise)
            return sampling.score(params.rows.points, params.shares, points, *own)

        return of_rows

    present = params.shares[:, None] > 0
    low, high = (
        jnp.min(jnp.where(present, sign * params.rows.points, jnp.inf), axis=0)[None]
        for sign in (1, -1)
    )

    def of_network(points: Array, alpha: Array, sigma: Array) -> Array:
        every = jnp.full(points.shape[0], sigma)
        own: Array = net.apply(params.weights, points, every, labels)
        if design.guided:
            classes = jnp.full_like(labels, design.network.classes)
            any_class: Array = net.apply(params.weights, points, every, classes)
            own = any_class + params.guidance * (own - any_class)
        if design.noise.space == "torus":
            return own
        # rows that it stands for, kept in the range of training rows as Ho et al. keep
        # images in theirs: else errors at high noise grow by 1 / alpha
        rows = jnp.clip((points - sigma * own) / alpha, low, -high)
        return (points - alpha * rows) / sigma

    return of_network
