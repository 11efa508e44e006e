"""What is measured on text: by hand, by brute force, and of nothing at all."""

import collections.abc
import itertools
import math
from collections import Counter

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from collapse.data.text.split import load_text
from collapse.measures import catalogue
from collapse.measures import copying as text_copies
from collapse.measures import text as tm

# programs and texts of this file are made once, by one worker
pytestmark = pytest.mark.xdist_group("text_measures")

# "a" 30 times and ten words once: a tenth of the mass is four words, a hundredth none
ONCE = "bee cat dog elk fox gnu hen ibis jay kite".split()
SMALL = " ".join(["a"] * 30 + ONCE) + " "
SMALL_BLOCKS = [" bee cat dog a ", " elk fox gnu a ", " hen ibis jay  "]


@pytest.fixture(scope="module")
def small():
    return tm.reference(SMALL, ["lion newt"], SMALL_BLOCKS, 3)


@pytest.fixture(scope="module")
def plays():
    """Blocks of real plays, and what is counted on them."""
    data = load_text("shakespeare")
    held_out = cut(data.validation + data.test, 128, 256)
    return data, held_out, tm.reference(data.train, data[1:3], held_out, 256)


def cut(text, length, num):
    """Blocks that begin at equal distances."""
    starts = np.linspace(0, len(text) - length, num).astype(int)
    return [text[start : start + length] for start in starts]


def copies(blocks, train):
    """The longest copy and the share of copied windows, as `measure` finds them."""
    values = tm.measure(blocks, tm.reference(train, [], ["x"], 1))
    return values["longest_copy"], values["copied_share"]


# Words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("To be, or not to-be?", ["to", "be", "or", "not", "to", "be"]),
        ("'Tis o'er: lov'd! 'so'", ["tis", "o'er", "lov'd", "so"]),
        ("a''b c' d’e f'1", ["a", "b", "c", "d’e", "f"]),
        ("x1y _z_ 22nd", ["x", "y", "z", "nd"]),
        (
            "ÉTÉ Straße БЫТЬ λόγος 日本。語",
            ["été", "straße", "быть", "λόγος", "日本", "語"],
        ),
        ("हिन्दी भाषा cafe\u0301s", ["हिन्दी", "भाषा", "cafe\u0301s"]),  # with marks
        ("\u0301 1 ' \n", []),
    ],
)
def test_words(text, expected):
    assert tm.words(text) == expected


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("be or not", ["or"]),
        (" be or not.", ["be", "or", "not"]),
        ("be", []),
        (" be ", ["be"]),
        ("be not", []),
        ("", []),
        ("' '", []),
        ("'er the o'", ["the"]),  # of "o'er the o'erflow"
        ("n' or 't", ["or"]),
        (" 'er the o' ", ["er", "the", "o"]),
        ("\u0301t or n\u0301", ["or"]),  # the first is cut within a letter
        (" st1", ["st"]),
    ],
)
def test_inner_words(block, expected):
    assert tm.inner_words(block) == expected


@given(st.text("ab' .", min_size=12, max_size=12), st.integers(0, 6))
def test_inner_words_are_whole(text, start):
    def places(found):
        return Counter(found)

    block = text[start : start + 6]
    assert places(tm.inner_words(block)) <= places(tm.words(text))


def test_inner_words_of_all_blocks_are_seen_in_proportion():
    # all blocks of ten places in turn: a word of L letters is inside 10 - L - 1 of them
    text = " " * 9 + "be or nothing" + " " * 9
    seen = Counter()
    for start in range(len(text) - 9):
        seen.update(tm.inner_words(text[start : start + 10]))
    assert seen == {"be": 7, "or": 7, "nothing": 2}


# Rare words


def test_rare_words_fill_their_share_and_do_not_pass_it():
    counts = {"a": 1, "b": 2, "c": 3, "d": 94}
    expected = {0.005: "", 0.01: "a", 0.029: "a", 0.03: "ab", 0.06: "abc", 0.99: "abc"}
    for share, letters in expected.items():
        assert tm.rare_words(counts, share) == set(letters)
    assert tm.rare_words(counts, 1.0) == set("abcd")
    assert tm.rare_words({}, 0.1) == set()


def test_the_rarest_are_not_skipped_for_a_rarer_share():
    # "b" would pass 2 %, and "c" behind it is no candidate
    assert tm.rare_words({"a": 1, "b": 2, "c": 2, "d": 95}, 0.02) == {"a"}


@pytest.mark.parametrize("percent", [1, 10, 29, 57, 58])  # 0.29 * 100 is below 29
def test_rounding_takes_no_word(percent):
    counts = {str(k): 1 for k in range(100)}
    assert len(tm.rare_words(counts, percent / 100)) == percent


def test_equal_counts_go_by_checksum_whatever_their_order(small):
    rare = small.rare["tail_mass_10pct"]
    assert len(rare) == 4 and rare < set(ONCE)
    backwards = {word: 1 for word in reversed(ONCE)} | {"a": 30}
    assert tm.rare_words(backwards, 0.1) == rare == tm.rare_words(small.counts, 0.1)
    assert small.rare["tail_mass_1pct"] == set()
    assert tm.rare_words(backwards, 0.05) < rare


def test_ties_favour_no_letter(plays):
    counts = plays[2].counts
    once = [word for word, count in counts.items() if count == 1]
    rarest = tm.rare_words(counts, 0.01)
    assert rarest < set(once)
    share = len(rarest) / len(once)
    assert 0.2 < share < 0.5  # so there is a choice among them
    for place in (0, -1):
        letters = Counter(word[place] for word in once)
        taken = Counter(word[place] for word in rarest)
        spread = share * (1 - share)
        excess = {x: (taken[x] - share * n) ** 2 / n for x, n in letters.items()}
        assert max(excess.values()) < 25 * spread  # five standard deviations
        # sorted by letter, the first letters would give all their words
        assert letters["a"] * (1 - share) ** 2 > 25 * spread
    mass = sum(counts[word] for word in tm.rare_words(counts, 0.1))
    assert 0.0998 < mass / sum(counts.values()) <= 0.1


# Tail mass and survival, by hand


def test_reference_by_hand(small):
    assert small.counts == {"a": 30} | dict.fromkeys(ONCE, 1)
    assert small.known == {"a", *ONCE, "lion", "newt"}
    assert small.fivegrams == {SMALL[k : k + 5] for k in range(len(SMALL) - 4)}
    # a block of 15 has "a" at 13 places, words of 3 letters at 11 and of 4 at 10
    places = {word: 15 - len(word) - 1 for word in ["a", *ONCE]}
    rare = sum(places[word] for word in small.rare["tail_mass_10pct"])
    assert small.rare_share["tail_mass_10pct"] == rare / (30 * 13 + 8 * 11 + 2 * 10)
    assert small.rare_share["tail_mass_1pct"] == 0


def test_rare_words_of_blocks_by_hand(small):
    one, other, *_ = sorted(small.rare["tail_mass_10pct"])
    common = next(word for word in ONCE if word not in small.rare["tail_mass_10pct"])
    blocks = [f" {one} {one} {common} ", f" {one} a {other} ", f"{other} unicorn lion "]
    values = tm.measure(blocks, small)  # 4 rare of 8 inner words
    seen = small.rare_share["tail_mass_10pct"]
    assert values["tail_mass_10pct"] == pytest.approx(4 / 8 / seen, rel=1e-12)
    assert values["tail_mass_1pct"] == 0
    assert values["hallucinated_share"] == 1 / 8  # a lion is in other real texts
    held_out = len(small.rare["tail_mass_10pct"] - {"kite"})
    assert small.survival["word_survival"] == pytest.approx(held_out / 4)
    assert values["word_survival"] == pytest.approx(2 / held_out)


def test_fivegram_survival_by_hand(small):
    distinct = {block[k : k + 5] for block in SMALL_BLOCKS for k in range(11)}
    alive = distinct & small.fivegrams
    assert {"bee c", " elk ", "ibis "} < alive and "dog a" in distinct - alive
    share = len(alive) / len(small.fivegrams)
    assert small.survival["fivegram_survival"] == pytest.approx(share)
    # one 5-gram within a block, none across two, and one that is not real
    values = tm.measure([" a be", "e ca", "t dog", "zzzzz"], small)
    assert values["fivegram_survival"] == pytest.approx(2 / len(alive))


@pytest.mark.parametrize("num", [1, 2, 4])
def test_survival_of_real_blocks_is_one_on_average_over_their_draw(num):
    """All draws of so many of five blocks; in some there is more than on average."""
    blocks = [*SMALL_BLOCKS, " bee cat a a a ", " jay kite a a  "]
    real = tm.reference(SMALL, [], blocks, num)
    drawn = [tm.measure(own, real) for own in itertools.combinations(blocks, num)]
    for name in tm.SURVIVAL:
        found = [values[name] for values in drawn]
        assert np.mean(found) == pytest.approx(1, rel=1e-9)
        assert min(found) < 0.999 and max(found) > 1.001


def test_copies_lose_no_rare_words_and_half_of_them_does(plays):
    data, held_out, real = plays
    whole = tm.measure(held_out, real)
    assert whole["word_survival"] == pytest.approx(1)
    assert whole["fivegram_survival"] == pytest.approx(1)
    half = tm.measure(held_out[::2], real)
    assert 0.4 < half["word_survival"] < 0.8
    assert 0.5 < half["fivegram_survival"] < 0.9


def test_the_training_text_has_tail_mass_one_in_blocks_at_all_places():
    # no apostrophes and spaces around, so that `seen` is exact
    text = " ".join(
        ["of"] * 60 + ["elephants"] * 2 + ["gnu", "extraordinary", "cat"] * 3
    )
    text = " " * 29 + text + " " * 29
    blocks = [text[start : start + 30] for start in range(len(text) - 29)]
    real = tm.reference(text, [], blocks, len(blocks))
    assert real.rare["tail_mass_10pct"] >= {"elephants"}
    values = tm.measure(blocks, real)
    assert values["tail_mass_10pct"] == pytest.approx(1, rel=1e-12)
    plain = sum(real.counts[word] for word in real.rare["tail_mass_10pct"])
    plain /= sum(real.counts.values())
    assert real.rare_share["tail_mass_10pct"] < 0.9 * plain  # what edges would feign


def test_the_plays_have_tail_mass_one_in_long_tilings(plays):
    data, _, real = plays
    text = data.train
    shifts = [text[k : k + len(text) - 128] for k in range(0, 128, 32)]
    counts = Counter()
    for shifted in shifts:
        for start in range(0, len(shifted) - 128, 128):
            counts.update(tm.inner_words(shifted[start : start + 128]))
    for name, rare in real.rare.items():
        share = sum(counts[word] for word in rare) / counts.total()
        assert share / real.rare_share[name] == pytest.approx(1, rel=0.005)
        plain = sum(real.counts[word] for word in rare) / sum(real.counts.values())
        assert share / plain < 0.98


# Variety


def test_distinct_by_hand(small):
    values = tm.measure([" be or be or be ", " be or "], small)
    assert values["distinct_1"] == 2 / 7
    assert values["distinct_2"] == 2 / 5  # none across the blocks
    assert values["distinct_3"] == 2 / 3


def test_entropy_by_hand(small):
    values = tm.measure(["abab", "cd"], small)
    assert values["entropy_1gram"] == pytest.approx(
        2 / 3 * math.log2(3) + 1 / 3 * math.log2(6)
    )
    # ab twice, ba and cd; bc is in no block
    assert values["entropy_2gram"] == pytest.approx(1.5)
    assert values["entropy_3gram"] == pytest.approx(1)


# Copies


def test_copies_by_hand():
    train = "the quick brown fox jumps over the lazy dog, " + "0123456789" * 7
    assert copies(["a quick brown cat", "the", "lazy dog"], train) == (13, 0)
    assert copies([" over the ", "lazy dog"], train) == (10, 0)  # not across blocks
    assert copies(["%%%"], train) == (0, 0)
    assert copies([train], train) == (len(train), 1)
    assert copies([train + "!"], train)[0] == len(train)
    # of 6 windows of 50 characters the three without the "!" are copies
    digits = "0123456789" * 5
    assert copies([digits + "01" + "!23"], train) == (52, 3 / 6)
    assert copies([digits, "!" * 60], train) == (50, 1 / 12)
    assert copies([digits[:49]], train) == (49, 0)


def brute_force(blocks, train, window):
    """The longest copy, and the share of windows that are copies."""
    inside = [
        block[i : i + n]
        for block in blocks
        for n in range(1, len(block) + 1)
        for i in range(len(block) - n + 1)
    ]
    longest = max((len(piece) for piece in inside if piece in train), default=0)
    windows = [piece for piece in inside if len(piece) == window]
    return longest, sum(piece in train for piece in windows) / max(len(windows), 1)


tiny = st.text("ab\U0001f600", max_size=12)


@given(
    st.lists(tiny, max_size=4),
    st.text("ab\U0001f600", max_size=40),
    st.sampled_from([5, 2**22]),
)
def test_copies_are_those_of_brute_force(blocks, train, piece):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tm, "WINDOW", 3)
        patch.setattr(text_copies, "_PIECE", piece)  # windows at a time
        assert copies(blocks, train) == brute_force(blocks, train, 3)


def test_a_passage_is_found_wherever_it_begins(monkeypatch):
    """Windows of the real text are hashed five at a time, and none is left out."""
    monkeypatch.setattr(tm, "WINDOW", 3)
    monkeypatch.setattr(text_copies, "_PIECE", 5)
    train = "abcdefghijklmnopqrstuvwxyz"
    for start in range(len(train) - 2):
        assert copies([train[start : start + 3]], train) == (3, 1)
    assert copies(["zab"], train) == (2, 0)


@given(st.lists(tiny, max_size=3), st.text("ab\U0001f600", max_size=40))
def test_the_longest_copy_is_true_even_if_hashes_are_not(blocks, train):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_copies, "_BASE", 1)  # then anagrams have one hash
        assert copies(blocks, train)[0] == brute_force(blocks, train, 3)[0]


def test_hashes_of_equal_windows_are_equal_wherever_they_begin(plays):
    real = plays[2]
    hashes = text_copies.hashes(real.windows, 7)
    assert len(hashes) == len(real.text) - 6
    pieces = {real.text[k : k + 7] for k in range(len(hashes))}
    assert len(np.unique(hashes)) == len(pieces)


def test_a_passage_of_the_plays_is_found(plays):
    data, held_out, real = plays
    # blocks of new plays copy little; one passage, put into one of them, is found
    assert 20 < tm.measure(held_out, real)["longest_copy"] < 60
    passage = data.train[700_000:700_090]
    values = tm.measure([*held_out, "~" * 20 + passage + "~" * 18], real)
    assert values["longest_copy"] == 90
    assert values["copied_share"] == 41 / (79 * 257)
    copied = tm.measure(cut(data.train, 128, 64), real)
    assert copied["longest_copy"] == 128 and copied["copied_share"] == 1
    assert copied["hallucinated_share"] == 0


# Nothing, and everything


@pytest.mark.parametrize(
    "blocks", [[], [""], ["", ""], [" " * 60] * 3, ["word"], ["\n1,2;"], ["\0" * 70]]
)
def test_a_model_that_writes_no_word(small, blocks):
    values = tm.measure(blocks, small)
    assert all(math.isfinite(value) for value in values.values())
    wordless = ("tail_mass_10pct", "tail_mass_1pct", "word_survival", "distinct_1")
    wordless += ("distinct_2", "distinct_3", "hallucinated_share", "copied_share")
    assert {name: values[name] for name in wordless} == dict.fromkeys(wordless, 0)


@pytest.mark.parametrize("train", ["", "a", "1 2 3 4 5 6"])
def test_real_text_without_words_gives_no_nan(train):
    real = tm.reference(train, [], [" 1 2 "], 1)
    values = tm.measure([" 1 2 word "], real)
    assert all(math.isfinite(value) for value in values.values())
    assert values["tail_mass_10pct"] == values["word_survival"] == 0
    assert values["hallucinated_share"] == 1


@pytest.mark.parametrize(
    ("blocks", "num"), [([], 0), ([""], 1), ([" a "], 2), ([" a "], 0)]
)
def test_as_many_real_blocks_are_needed(blocks, num):
    with pytest.raises(ValueError, match=f"^{num} blocks cannot be compared"):
        tm.reference(SMALL, [], blocks, num)


def test_without_words_their_measures_are_left_out(small):
    """And the others are those of a text with words."""
    real = tm.reference(SMALL, ["lion newt"], SMALL_BLOCKS, 3, has_words=False)
    values, usual = (tm.measure(SMALL_BLOCKS, own) for own in (real, small))
    assert values == {k: v for k, v in usual.items() if k not in catalogue.OF_WORDS}
    assert set(catalogue.OF_WORDS) == {
        *("tail_mass_10pct", "tail_mass_1pct", "word_survival", "hallucinated_share"),
        *("distinct_1", "distinct_2", "distinct_3"),
    }


def test_every_measure_is_described_and_is_a_float(small):
    values = tm.measure(SMALL_BLOCKS, small)
    assert list(values) == list(catalogue.TEXT)
    assert all(type(value) is float for value in values.values())


class Ordered(collections.abc.Set):
    """A set in an order of its own, as that of a set of strings differs by process."""

    def __init__(self, items):
        self.items = list(items)

    def __contains__(self, item):
        return item in self.items

    def __iter__(self):
        return iter(self.items)

    def __len__(self):
        return len(self.items)

    def __and__(self, other):
        return [item for item in self.items if item in other]


def test_expected_survival_is_the_same_bits_in_any_order_of_a_set():
    rng = np.random.default_rng(0)
    items = [str(k) for k in range(300)]
    probabilities = rng.uniform(0, 0.1, len(items))
    blocks = [
        " ".join(np.array(items)[rng.uniform(size=len(items)) < probabilities])
        for _ in range(100)
    ]
    orders = [items, items[::-1], *(rng.permutation(items).tolist() for _ in range(8))]
    found = {
        tm._expected_survival(Ordered(own), str.split, blocks, 30) for own in orders
    }
    assert len(found) == 1 and 0 < found.pop() < 1


def test_the_order_of_blocks_does_not_matter(plays):
    _, held_out, real = plays
    forwards, backwards = (
        tm.measure(blocks, real) for blocks in (held_out, held_out[::-1])
    )
    assert forwards == pytest.approx(backwards, rel=1e-12)


def test_gibberish_is_told_from_text(plays):
    data, held_out, real = plays
    rng = np.random.default_rng(0)
    letters = rng.choice(list(data.train), (64, 128))
    values = tm.measure(["".join(row) for row in letters], real)
    assert values["hallucinated_share"] > 0.5 > values["fivegram_survival"]
    assert values["entropy_3gram"] > tm.measure(held_out, real)["entropy_3gram"] + 1
    looped = tm.measure(["the king of the " * 8] * 64, real)
    assert looped["word_survival"] == looped["tail_mass_10pct"] == 0
    assert looped["distinct_1"] < 0.01 and looped["entropy_3gram"] < 4
