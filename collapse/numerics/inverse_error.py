"""The inverse error function, faster and more accurate than `lax.erf_inv` on a CPU.

Giles (2012) gives erf_inv(x) / x as polynomials in w = -log(1 - x^2). XLA computes w as
-log1p(-x * x), where rounding of x * x loses the digits of the tail: relative errors
are up to 1e-5 (float32) and 1e-10 (float64). With 1 - x^2 = (1 - x)(1 + x) and a plain
logarithm the last digits are right. The float64 logarithm is implemented here, because
XLA's does not vectorise.

References:
  Giles 2012, Approximating the erfinv function (GPU Computing Gems, Jade Edition).
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

# Coefficients from the highest power down, for w small, w large, w very large.
_SINGLE: tuple[tuple[float, ...], ...] = (
    (
        (2.81022636e-08, 3.43273939e-07, -3.5233877e-06)
        + (-4.39150654e-06, 0.00021858087, -0.00125372503)
        + (-0.00417768164, 0.246640727, 1.50140941)
    ),
    (
        (-0.000200214257, 0.000100950558, 0.00134934322)
        + (-0.00367342844, 0.00573950773, -0.0076224613)
        + (0.00943887047, 1.00167406, 2.83297682)
    ),
)
_DOUBLE: tuple[tuple[float, ...], ...] = (
    (
        (-3.6444120640178196996e-21, -1.685059138182016589e-19)
        + (1.2858480715256400167e-18, 1.115787767802518096e-17)
        + (-1.333171662854620906e-16, 2.0972767875968561637e-17)
        + (6.6376381343583238325e-15, -4.0545662729752068639e-14)
        + (-8.1519341976054721522e-14, 2.6335093153082322977e-12)
        + (-1.2975133253453532498e-11, -5.4154120542946279317e-11)
        + (1.051212273321532285e-09, -4.1126339803469836976e-09)
        + (-2.9070369957882005086e-08, 4.2347877827932403518e-07)
        + (-1.3654692000834678645e-06, -1.3882523362786468719e-05)
        + (0.0001867342080340571352, -0.00074070253416626697512)
        + (-0.0060336708714301490533, 0.24015818242558961693)
        + (1.6536545626831027356,)
    ),
    (
        (2.2137376921775787049e-09, 9.0756561938885390979e-08)
        + (-2.7517406297064545428e-07, 1.8239629214389227755e-08)
        + (1.5027403968909827627e-06, -4.013867526981545969e-06)
        + (2.9234449089955446044e-06, 1.2475304481671778723e-05)
        + (-4.7318229009055733981e-05, 6.8284851459573175448e-05)
        + (2.4031110387097893999e-05, -0.0003550375203628474796)
        + (0.00095328937973738049703, -0.0016882755560235047313)
        + (0.0024914420961078508066, -0.0037512085075692412107)
        + (0.005370914553590063617, 1.0052589676941592334)
        + (3.0838856104922207635,)
    ),
    (
        (-2.7109920616438573243e-11, -2.5556418169965252055e-10)
        + (1.5076572693500548083e-09, -3.7894654401267369937e-09)
        + (7.6157012080783393804e-09, -1.4960026627149240478e-08)
        + (2.9147953450901080826e-08, -6.7711997758452339498e-08)
        + (2.2900482228026654717e-07, -9.9298272942317002539e-07)
        + (4.5260625972231537039e-06, -1.9681778105531670567e-05)
        + (7.5995277030017761139e-05, -0.00021503011930044477347)
        + (-0.00013871931833623122026, 1.0103004648645343977)
        + (4.8499064014085844221,)
    ),
)
_LN2 = 0.6931471805599453
_ROOT_HALF = np.uint64(0x3FE6A09E667F3BCD)  # bits of sqrt(1/2)
_ONE = np.uint64(0x3FF0000000000000)  # of 1
_SHIFT = np.uint64(0x4330000000000000)  # of 2^52: its last bits count units
_FRACTION = np.uint64(0x000FFFFFFFFFFFFF)


@jax.jit
def erf_inv(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Inverse error function of numbers in (-1, 1), float32 or float64.

    The error is at most 4 units in the last place; not defined at -1 and 1.
    """
    square = (1 - x) * (1 + x)
    if x.dtype == jnp.float32:
        w = -jnp.log(square)
        root = jnp.sqrt(w)
        small, large = _SINGLE
        near, far = _polynomial(small, w - 2.5), _polynomial(large, root - 3)
        return jnp.where(w < 5, near, far) * x
    w = -_log(square)
    root = jnp.sqrt(w)
    small, large, largest = _DOUBLE
    found = _polynomial(largest, root - 5)
    found = jnp.where(w < 16, _polynomial(large, root - 3.25), found)
    return jnp.where(w < 6.25, _polynomial(small, w - 3.125), found) * x


def _log(x: Array) -> Array:
    """Logarithm of float64 numbers in (0, 1], with an absolute error of a few 1e-16.

    x = m 2^k with m in [sqrt(1/2), sqrt(2)), and log m by the series of atanh.
    """
    bits = lax.bitcast_convert_type(x, jnp.uint64) + (_ONE - _ROOT_HALF)
    power = lax.bitcast_convert_type((bits >> np.uint64(52)) | _SHIFT, x.dtype)
    power = power - (2.0**52 + 1023)
    m = lax.bitcast_convert_type((bits & _FRACTION) + _ROOT_HALF, x.dtype)
    s = (m - 1) / (m + 1)
    series = [2 / (2 * j + 1) for j in range(10, -1, -1)]
    return power * _LN2 + s * _polynomial(series, s * s)


def _polynomial(coefficients: Sequence[float], x: Array) -> Array:
    value = jnp.full_like(x, coefficients[0])
    for c in coefficients[1:]:
        value = value * x + np.array(c, x.dtype)
    return value
