"""Seeds of snapshots without snapshots: the option that is missing is named."""

import pytest

from collapse.data.errors import InputError
from collapse.sims.charlm.experiment import Charlm
from collapse.sims.discrete import Discrete
from collapse.sims.gaussian import Gaussian
from collapse.sims.mixing.experiment import Mixing


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (
            Gaussian,
            "snapshots: none, but snapshot_seeds is 3; name the generations, such as "
            "--snapshots 0 50",
        ),
        (Discrete, "snapshots: none, but snapshot_seeds is 3; name the generations"),
        (Mixing, "snapshot_seeds: have no meaning for mixtures; drop them"),
        (Charlm, "snapshot_seeds: texts of all generations are kept in texts/; drop"),
    ],
)
def test_seeds_without_snapshots_are_refused(kind, said):
    experiment = kind(snapshot_seeds=3)
    with pytest.raises(InputError) as caught:
        experiment.resolved(100, 1).check()
    assert str(caught.value).startswith(said)
    kind().resolved(100, 1).check()


def test_the_command_of_mixtures_offers_neither():
    ((_, names), _) = Mixing().parts()
    assert not {"snapshots", "snapshot_seeds"}.intersection(names)
