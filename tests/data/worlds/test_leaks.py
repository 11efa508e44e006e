"""Documents of a benchmark that leak: halves of each skill, in the world's mix."""

import collections

import numpy as np
import pytest

from collapse.data.errors import DataError
from collapse.data.worlds import WORLDS
from collapse.data.worlds.leaks import in_proportion, leaking
from collapse.data.worlds.planted import Defects
from collapse.data.worlds.rows import with_defects, world_rows


@pytest.fixture(scope="module", params=["arithmetic", "facts", "tools"])
def data(request):
    world = WORLDS[request.param]()
    return world_rows(world, world.longest, 3000, 200)


def test_each_skill_has_two_equal_halves(data):
    of = collections.defaultdict(set)
    for row, leaks in zip(data.asked, data.leaks, strict=True):
        prompt = data.text(row)[0]
        of[data.world.skill_of(prompt)].add((prompt, bool(leaks)))
    for own in of.values():
        prompts = {prompt for prompt, _ in own}
        assert len(prompts) == len(own)  # no prompt is in both
        leaked = sum(leaks for _, leaks in own)
        assert leaked == len(own) // 2


def test_only_the_half_that_may_leak_is_copied(data):
    dirty = with_defects(data, Defects(contamination=0.9))
    learned = {data.text(row) for row in dirty.train}
    asked = {data.text(row) for row in data.asked}
    assert learned & asked == {data.text(row) for row in data.asked[data.leaks]}


def test_leaks_keep_the_mix_of_skills():
    world = WORLDS["arithmetic"]()
    data = world_rows(world, world.longest, 4000, 200)
    dirty = with_defects(data, Defects(contamination=1.0))
    skills = collections.Counter(world.skill_of(data.text(r)[0]) for r in dirty.train)
    for skill, share in world.skills.items():
        assert abs(skills[skill] / 4000 - share) < 0.02, skill


def test_no_document_is_left_out_of_a_proportion(data):
    asked = [data.world.make(np.random.default_rng(k), 1)[0] for k in range(50)]
    found = in_proportion(asked, data.world.skills)
    assert set(map(id, found)) == set(map(id, asked))


def test_a_benchmark_of_single_prompts_cannot_leak():
    world = WORLDS["arithmetic"]()
    data = world_rows(world, world.longest, 100, 4)
    assert not leaking(world, ["1+1="]).any() and not data.leaks.any()
    with pytest.raises(DataError, match="^measured_rows: no skill has two prompts"):
        with_defects(data, Defects(contamination=0.1))
