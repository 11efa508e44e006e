"""Corpora with planted defects: rates are exact, and truth records are right."""

import collections
import functools

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from collapse.data.errors import DataError
from collapse.data.worlds import WORLDS, Defects, planted
from collapse.data.worlds.planted import RATES

NUM = 400
MANY = Defects(0.13, 0.11, 0.07, 0.17, 0.0525)  # a share of them is no whole number


@functools.cache
def world_of(name):
    return WORLDS[name]()


@functools.cache
def benchmark(name):
    return tuple(world_of(name).make(np.random.default_rng(99), 8))


@functools.cache
def corpus(name, num=NUM, defects=MANY):
    generator = np.random.default_rng(5)
    return planted(world_of(name), generator, num, defects, benchmark(name))


def with_defect(name, defect):
    return [d for d in corpus(name) if d.truth["defect"] == defect]


def places(documents, defect):
    return [k for k, d in enumerate(documents) if d.truth["defect"] == defect]


def counted(documents):
    return collections.Counter(d.truth["defect"] for d in documents)


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("num", [NUM, 37])
def test_rates_are_exact(name, num):
    found = counted(corpus(name, num))
    assert len(corpus(name, num)) == num == found.total()
    assert {k: found[k] for k in RATES} == {
        k: round(getattr(MANY, k) * num) for k in RATES
    }


@pytest.mark.parametrize("name", WORLDS)
def test_truth_records_agree_with_the_verifier(name):
    world = world_of(name)
    for prompt, response, truth in corpus(name):
        verdict = world.verify(prompt, response)
        assert truth["correct"] == verdict.correct
        assert truth["skill"] == world.skill_of(prompt)
        assert ("fault" in truth) == (truth["defect"] == "faults")
        if truth["defect"] == "faults":
            assert not verdict.correct and truth["fault"] == verdict.fault
        elif truth["defect"] not in {"noise", "near_duplicates"}:
            assert verdict.correct
    wrong = [not d.truth["correct"] for d in with_defect(name, "noise")]
    assert np.mean(wrong) > 0.5  # so that the record is seen to say both


@pytest.mark.parametrize("name", WORLDS)
def test_without_defects_it_is_what_the_world_makes(name):
    world = world_of(name)
    made = world.make(np.random.default_rng(5), NUM)
    clean = planted(world, np.random.default_rng(5), NUM, Defects())
    added = {"defect": "", "correct": True}
    assert clean == [d._replace(truth={**d.truth, **added}) for d in made]
    kept = places(corpus(name), "")
    assert [corpus(name)[k] for k in kept] == [clean[k] for k in kept]
    assert corpus(name) != clean
    assert planted(world, np.random.default_rng(6), NUM, Defects()) != clean


@pytest.mark.parametrize("name", WORLDS)
def test_copies_are_of_the_document_that_they_name(name):
    world, every = world_of(name), corpus(name)
    sides = set()
    for defect in ("duplicates", "near_duplicates"):
        for k in places(every, defect):
            source = every[every[k].truth["duplicate_of"]]
            sides.add(k > every[k].truth["duplicate_of"])
            assert source.truth["defect"] == ""
            assert source.prompt == every[k].prompt
            if defect == "duplicates":
                assert source.response == every[k].response
                continue
            at, before, after = every[k].truth["changed"]
            assert after in set(world.letters) - {world.separator, before}
            assert source.response[at] == before
            letters = [*source.response]
            letters[at] = after
            assert "".join(letters) == every[k].response
    assert sides == {True, False}


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("share", [0.01, 0.4, 1.0])
def test_noise_replaces_a_share_of_the_response(name, share):
    world = world_of(name)
    made = world.make(np.random.default_rng(5), 50)
    noisy = planted(
        world, np.random.default_rng(5), 50, Defects(noise=1, noise_share=share)
    )
    used = set()
    for old, new in zip(made, noisy, strict=True):
        assert new.prompt == old.prompt and len(new.response) == len(old.response)
        pairs = zip(old.response, new.response, strict=True)
        changed = sum(a != b for a, b in pairs)
        assert changed == max(1, round(share * len(old.response)))
        used |= {*new.response}
    assert used <= {*world.letters} - {world.separator}
    if share == 1:  # all of them are used: of each there are expected 5 or more
        assert used == {*world.letters} - {world.separator}


@pytest.mark.parametrize("name", WORLDS)
def test_contamination_is_the_benchmark_word_for_word(name):
    leaked = with_defect(name, "contamination")
    assert len(leaked) == 21
    used = [d.truth["contaminated_with"] for d in leaked]
    for d, k in zip(leaked, used, strict=True):
        assert d[:2] == benchmark(name)[k][:2]
        assert {**benchmark(name)[k].truth}.items() <= d.truth.items()
    assert {used.count(k) for k in range(8)} == {2, 3}


@pytest.mark.parametrize("name", WORLDS)
def test_any_fault_is_planted_as_often_as_others(name):
    world, num = world_of(name), 2000
    found = planted(world, np.random.default_rng(2), num, Defects(faults=1))
    counts = collections.Counter(d.truth["fault"] for d in found)
    assert {*counts} == {*world.faults}
    if name != "quality":
        share = 1 / len(world.faults)
        error = np.sqrt(num * share * (1 - share))
        assert all(abs(k - num * share) < 4.5 * error for k in counts.values())
        assert any(abs(k - num * share / 2) > 4.5 * error for k in counts.values())


@pytest.mark.parametrize("name", WORLDS)
def test_a_named_fault_is_the_only_one(name):
    world = world_of(name)
    for fault in world.faults:
        asked = Defects(faults=0.02, fault=fault)
        found = planted(world, np.random.default_rng(3), 300, asked)
        assert [d.truth["fault"] for d in found if "fault" in d.truth] == [fault] * 6


def test_a_fault_that_too_few_documents_can_have_is_refused():
    asked = Defects(faults=0.9, fault="carry")
    with pytest.raises(
        DataError, match="fault: carry fits into .* of the 90 documents"
    ):
        planted(world_of("quality"), np.random.default_rng(3), 100, asked)


def test_other_defects_do_not_prefer_documents_without_the_fault():
    asked = Defects(faults=0.2, noise=0.3, fault="carry")
    shares = []
    for seed in range(100):
        found = planted(world_of("quality"), np.random.default_rng(seed), 100, asked)
        sums = [
            d.truth["defect"] == "noise"
            for d in found
            if d.truth["world"] == "arithmetic" and d.truth["defect"] != "faults"
        ]
        shares.append(np.mean(sums))  # 30 of the 80 that have no fault
    error = np.std(shares, ddof=1) / np.sqrt(len(shares))
    assert abs(np.mean(shares) - 30 / 80) < 4.5 * error < 0.1


@pytest.mark.parametrize("defect", RATES)
def test_defects_are_at_random_places(defect):
    num, seeds = 20, 300
    counts = np.zeros(num)
    for seed in range(seeds):
        generator = np.random.default_rng(seed)
        asked = Defects(**{defect: 0.25})
        found = planted(
            world_of("arithmetic"), generator, num, asked, benchmark("arithmetic")
        )
        counts[places(found, defect)] += 1
    error = np.sqrt(seeds * 0.25 * 0.75)
    assert (abs(counts - seeds / 4) < 4.5 * error).all()
    assert abs(0 - seeds / 4) > 4.5 * error  # a place without defects would be seen


_RATE = st.floats(0, 1)


@given(st.tuples(*[_RATE] * 5), st.integers(0, 60), st.floats(0, 1))
def test_any_rates_are_exact_or_refused(drawn, num, total):
    rates = [x * total / max(sum(drawn), 1e-3) for x in drawn]
    assume(sum(rates) <= 1)
    counts = [round(rate * num) for rate in rates]
    copies = counts[2] + counts[3]
    asked = Defects(*rates)
    args = (world_of("arithmetic"), np.random.default_rng(1), num, asked)
    if sum(counts) > num or (copies and sum(counts) == num):
        with pytest.raises(DataError, match="rounded they are|is left to copy"):
            planted(*args, benchmark("arithmetic"))
        return
    found = counted(planted(*args, benchmark("arithmetic")))
    assert [found[name] for name in RATES] == counts
    assert found[""] == num - sum(counts)


@given(st.sampled_from(RATES), st.floats(allow_nan=True) | st.just("0.1"))
@example("faults", float("nan"))
@example("contamination", float("nan"))
def test_rates_that_are_no_shares_are_refused(name, rate):
    assume(isinstance(rate, str) or not 0 <= rate <= 1)
    with pytest.raises(DataError, match=f"^{name}: ") as found:
        planted(
            world_of("arithmetic"),
            np.random.default_rng(1),
            10,
            Defects(**{name: rate}),
            benchmark("arithmetic"),
        )
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"faults": 0.6, "noise": 0.5}, "faults, noise: 1.1 together"),
        ({"contamination": 0.1}, "contamination: 0.1 of no benchmark"),
        ({"duplicates": 1.0}, "duplicates: no document without defect"),
        ({"near_duplicates": 0.5, "noise": 0.5}, "near_duplicates: no document"),
        (
            {"faults": 0.5, "noise": 0.5, "num": 3},
            "faults, noise: rounded they are 4 of 3",
        ),
        ({"fault": "carri"}, "fault: unknown 'carri'; .* did you mean carry"),
        ({"noise_share": 0.0}, "noise_share: 0.0; give a share above 0"),
        ({"noise_share": float("nan")}, "noise_share: nan"),
        ({"num": -1}, "num: -1; give a number of documents"),
    ],
)
def test_rates_that_contradict_each_other_are_refused(fields, said):
    num = fields.pop("num", 10)
    with pytest.raises(DataError, match=said) as found:
        planted(
            world_of("arithmetic"), np.random.default_rng(1), num, Defects(**fields)
        )
    assert "\n" not in str(found.value)


def test_a_benchmark_of_another_world_or_with_faults_is_refused():
    world, generator = world_of("arithmetic"), np.random.default_rng(1)
    bad = world.spoil(generator, benchmark("arithmetic")[0], "digit")
    asked = Defects(contamination=0.5)
    with pytest.raises(DataError, match="benchmark: document 0 has fault digit"):
        planted(world, generator, 10, asked, [bad])
    with pytest.raises(DataError, match="benchmark: document . has fault form"):
        planted(world, generator, 10, asked, benchmark("facts"))


def test_a_benchmark_that_was_itself_planted_leaves_no_trace():
    world, generator = world_of("tools"), np.random.default_rng(1)
    copies = planted(world, generator, 10, Defects(duplicates=0.9))
    found = planted(world, generator, 10, Defects(contamination=1), copies)
    assert not any("duplicate_of" in d.truth for d in found)
    assert counted(found) == {"contamination": 10}
