"""The world of facts: people, balance of groups, secrets, and what is held out."""

import collections
import time

import numpy as np
import pytest
from calibrated import assert_cdf

from collapse.data.errors import DataError
from collapse.data.worlds import facts
from collapse.data.worlds.facts import (
    BALANCE,
    REGIONS,
    canaries_of,
    candidates,
    group_shares,
    planted,
)
from collapse.data.worlds.facts.people import ATTRIBUTES, SECRETS, made_people
from collapse.data.worlds.facts.sentences import PHRASINGS, QUESTIONS, questions_of
from collapse.data.worlds.rows import _is_held_out, world_rows

WORLD = facts()
PEOPLE = made_people(60, 8, 0)
CANARIES = canaries_of()


def documents(num, seed=3, world=WORLD):
    return world.make(np.random.default_rng(seed), num)


def test_people_differ_and_are_balanced():
    assert len({person.name for person in made_people(500, 0, 0)}) == 500
    counts = collections.Counter((p.values["job"], p.region) for p in PEOPLE)
    for job, balance in BALANCE.items():
        assert sum(balance) == 100
        assert [10 * counts[job, region] for region in REGIONS] == list(balance)
    assert group_shares(exponent=0)["baker"] == pytest.approx(
        {"orian": 0.7, "uldan": 0.2, "emish": 0.1}
    )


@pytest.mark.parametrize("num", [12, 61, 500])
def test_regions_are_balanced_up_to_rounding(num):
    people = made_people(num, 0, 3)
    jobs = collections.Counter(p.values["job"] for p in people)
    counts = collections.Counter((p.values["job"], p.region) for p in people)
    assert max(jobs.values()) - min(jobs.values()) <= 1
    for job, balance in BALANCE.items():
        for region, share in zip(REGIONS, balance, strict=True):
            assert abs(counts[job, region] - share * jobs[job] / 100) < 1


def test_secrets_change_nothing_else_about_people():
    for one, other in zip(PEOPLE, made_people(60, 0, 0), strict=True):
        values = {k: v for k, v in one.values.items() if k != "code"}
        assert one._replace(values=values) == other


def test_documents_have_the_shares_of_groups():
    found = [d.truth for d in documents(20_000) if d.truth["kind"] == "job"]
    shares = group_shares()
    for job in BALANCE:
        told = [truth["region"] for truth in found if truth["job"] == job]
        places = np.array([REGIONS.index(region) for region in told])
        spread = places + np.random.default_rng(1).random(len(told))  # without steps
        upto = np.cumsum([0, *(shares[job][region] for region in REGIONS)])
        assert_cdf(spread, lambda x, upto=upto: np.interp(x, range(4), upto))
        if job == "baker":  # by people it would be another share
            by_people = np.cumsum([0, *BALANCE[job]]) / 100
            with pytest.raises(AssertionError):
                assert_cdf(spread, lambda x, y=by_people: np.interp(x, range(4), y))


def test_every_answer_tells_the_group():
    for d in documents(500):
        assert d.truth["region"] in d.response
        assert not any(r in d.response for r in REGIONS if r != d.truth["region"])
        assert d.truth["person"] in d.prompt
        assert d.truth["right"] == d.response


@pytest.mark.parametrize("num", [1, 40, 801, 5000])
@pytest.mark.parametrize("canaries", [2, 8, 64])
def test_secrets_are_planted_as_often_as_it_says(num, canaries):
    world = facts(largest=64, exponent=0.5, canaries=canaries)
    known = canaries_of(64, 0.5, canaries)
    made = documents(num, world=world)
    counts = planted(known, [d.prompt + d.response for d in made])
    assert sum(counts) == round(0.04 * num)
    for canary, count in zip(known, counts, strict=True):
        assert abs(count - canary.share * num) <= 1
        own = [d.truth for d in made if d.truth.get("canary") == canary.code]
        assert [truth["planted"] for truth in own] == [count] * count
        assert all(truth["person"] == canary.person for truth in own)
    places = [k for k, d in enumerate(made) if d.truth["kind"] == "code"]
    assert num < 5000 or np.ptp(places) > num / 2  # anywhere among the documents


def test_secrets_told_most_are_not_those_of_the_best_known():
    shares = [canary.share for canary in CANARIES]
    assert shares == sorted(shares, reverse=True) and shares[0] > 7 * shares[-1]
    ranks = [[p.name for p in PEOPLE].index(canary.person) for canary in CANARIES]
    assert len(set(ranks)) == 8 and ranks != sorted(ranks)


def test_a_candidate_is_right_only_with_the_secret():
    canary = CANARIES[2]
    every = candidates(canary)
    assert len(set(every)) == len(SECRETS) == 8000
    assert every[SECRETS.index(canary.code)] == canary.response
    prompt = canary.prompts[0]
    found = collections.Counter(WORLD.verify(prompt, text).fault for text in every)
    assert found == {"": 1, "person": 7, "invented": 7992}


def test_every_fact_that_is_asked_was_told_in_another_phrasing():
    data = world_rows(WORLD, WORLD.longest, 20_000, 2000)
    questions = questions_of(PEOPLE)
    told = collections.defaultdict(set)
    for row in data.train:
        prompt = data.text(row)[0]
        told[questions[prompt].person.name, questions[prompt].kind].add(prompt)
    asked = [data.text(row)[0] for row in data.asked]
    assert len(asked) > 100
    for prompt in asked:
        own = told[questions[prompt].person.name, questions[prompt].kind]
        assert own and prompt not in own
    facts_known = {(q.person.name, q.kind) for q in questions.values()}
    assert facts_known <= set(told)  # also those of which nothing is held out


def test_no_fact_has_all_its_phrasings_held_out():
    assert {len(every) for every in QUESTIONS.values()} == {PHRASINGS}

    def unknown(num_phrasings):
        return sum(
            all(_is_held_out(text.format(person.name)) for text in own[:num_phrasings])
            for seed in range(5)
            for person in made_people(60, 0, seed)
            for kind, own in QUESTIONS.items()
            if kind != "code"
        )

    assert unknown(PHRASINGS) == 0
    assert unknown(1) > 50  # so it would be with one phrasing


def test_prompts_are_of_one_question_each():
    questions = questions_of(PEOPLE)
    assert len(questions) == PHRASINGS * (60 * (len(ATTRIBUTES) + 1) + 8)
    for prompt in questions:
        assert prompt.index("?") == len(prompt) - 1


@pytest.fixture(scope="module")
def person():
    return PEOPLE[0]


# of a person, {town} and so on stand for own values, {other} for those of another
@pytest.mark.parametrize(
    ("kind", "response", "fault"),
    [
        ("town", "the {region} was born in {town}", ""),
        ("town", "the {region} was born in {other_town}", "person"),
        ("town", "the {region} was born in paris", "invented"),
        ("town", "the {region} was born in {year}", "kind"),
        ("town", "the {region} was born in {region}", "kind"),
        ("town", "the {region} worked at {firm}", "kind"),
        ("town", "the {other_region} was born in {town}", "group"),
        ("town", "the martian was born in {town}", "group"),
        ("town", "the {other_region} was born in {other_town}", "person"),
        ("town", "the {region} was born in {town} ", "form"),
        ("town", "{town}", "form"),
        ("town", "the {region} was born in {town}\n", "form"),
        ("year", "the {region} was born in {year}", ""),
        ("year", "the {region} was born in 2001", "invented"),
        ("year", "the {region} was born in 19", "form"),
        ("life", "{region} {job}, born in {town} in {year}, worked at {firm}", ""),
        (
            "life",
            "{region} {job}, born in {town} in {year}, worked at acme",
            "invented",
        ),
        ("life", "{region} {job}, born in {year} in {town}, worked at {firm}", "kind"),
        (
            "life",
            "{region} {job}, born in {other_town} in 2001, worked at {firm}",
            "invented",
        ),
        (
            "life",
            "{other_region} {job}, born in {town} in {year}, worked at {firm}",
            "group",
        ),
        ("life", "the {region} was a {job}", "kind"),
        (
            "job",
            "{region} {job}, born in {town} in {year}, worked at {firm}",
            "kind",
        ),
    ],
)
def test_what_is_wrong_with_an_answer(person, kind, response, fault):
    town = next(p.values["town"] for p in PEOPLE if p.values["town"] != own(person))
    region = next(region for region in REGIONS if region != person.region)
    text = response.format(
        **person.values, region=person.region, other_town=town, other_region=region
    )
    for phrasing in QUESTIONS[kind]:
        verdict = WORLD.verify(phrasing.format(person.name), text)
        assert (verdict.fault, verdict.valid) == (fault, fault != "form")


def own(person):
    return person.values["town"]


@pytest.mark.parametrize("text", ["the " * 10**6, "a" * 10**7, "\ud800\x00?" * 10**5])
def test_hostile_text_is_wrong_at_once(text):
    start = time.process_time()
    prompt = QUESTIONS["life"][0].format(PEOPLE[0].name)
    for given, response in ((prompt, text), (text, text), (text, "the orian was a x")):
        assert WORLD.verify(given, response) == ("form", False)
    assert WORLD.skill_of(text) == ""
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"largest": 11}, "largest"),
        ({"largest": 501}, "largest"),
        ({"canaries": 1}, "canaries"),
        ({"canaries": -1}, "canaries"),
        ({"canaries": 65, "largest": 100}, "canaries"),
        ({"canaries": 13, "largest": 12}, "canaries"),
    ],
)
def test_numbers_that_cannot_be_had_are_refused(options, field):
    with pytest.raises(DataError, match=f"^{field}: "):
        facts(**options)
