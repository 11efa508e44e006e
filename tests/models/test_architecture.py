"""What a network is: sizes as they are written, groups of layers, parts that fit."""

import subprocess
import sys

import pytest
from language_cases import ALL_SAVED, TINY, UNTIED

from collapse.data.errors import InputError
from collapse.models.language import architecture
from collapse.models.language.architecture import SIZES, Size, check, size_of


def test_a_size_is_a_name_or_layers_x_width_x_heads():
    assert [size_of(name) for name in SIZES] == list(SIZES.values())
    assert size_of("2x64x2") == SIZES["nano"]
    assert size_of("3x80x5") == Size(3, 80, 5)


@pytest.mark.parametrize(
    "text", ["", "giant", "2x64", "2x64x2x1", "0x64x2", "2x-4x1", "02x64x2", "2X64X2"]
)
def test_what_is_no_size_is_refused(text):
    with pytest.raises(
        InputError, match="^size: unknown .* as in 2x64x2, each from 1 to 9999$"
    ):
        size_of(text)


@pytest.mark.parametrize("layers", range(1, 8))
def test_layers_are_in_the_group_of_the_floor(layers):
    for groups in range(1, layers + 1):
        config = TINY._replace(size=Size(layers, 8, 2), layer_groups=groups)
        group = [i * groups // layers for i in range(layers)]
        found = [config.first_of_group(i) for i in range(layers)]
        assert found == [group.index(g) for g in group]
        assert len(set(found)) == groups
    alone = TINY._replace(size=Size(layers, 8, 2))
    assert [alone.first_of_group(i) for i in range(layers)] == list(range(layers))


def test_six_rows_have_360_orders_of_four():
    picked = architecture.PICKED
    orders = {picked[i : i + 4] for i in range(0, len(picked), 4)}
    assert len(picked) == 1440 and len(orders) == 360
    assert all(len(set(order)) == 4 and set(order) <= set(range(6)) for order in orders)
    assert picked[:12] == (0, 1, 2, 3, 0, 1, 2, 4, 0, 1, 2, 5)


REFUSED = [
    (TINY._replace(embedding="repeated"), "embedding: .* give --untied, too"),
    (
        UNTIED._replace(embedding="repeated", size=Size(1, 6, 1)),
        "embedding: the width 6 is no multiple of 4",
    ),
    (
        TINY._replace(attention="permuted", size=Size(1, 364, 2)),
        "attention: .* at most 360, not 364",
    ),
    (TINY._replace(layer_groups=3), "layer_groups: 3 groups of 2 layers; give at most"),
    (TINY._replace(size=Size(1, 10, 4)), "size: width 10 is no even multiple of 4"),
]


@pytest.mark.parametrize(("config", "said"), REFUSED)
def test_parts_that_do_not_fit_are_refused_in_one_line(config, said):
    with pytest.raises(InputError, match=f"^{said}") as found:
        check(config)
    assert "\n" not in str(found.value)


def test_parts_that_fit_are_not_refused():
    check(TINY._replace(attention="permuted", size=Size(1, 360, 2)))
    check(UNTIED._replace(**ALL_SAVED, layer_groups=2))


def test_what_a_network_is_can_be_said_without_jax():
    line = (
        "import sys, collapse.models.language.architecture; print('jax' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True)
    assert found.stdout == "False\n", found.stderr
