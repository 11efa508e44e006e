"""Whether a text has words, and how often each occurs."""

import numpy as np
import pytest

import collapse
from collapse.data.words import load_words, why_no_words, words_in

CHINESE = "子曰：「學而時習之，不亦說乎？有朋自遠方來，不亦樂乎？」\n"
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。\n"
THAI = "มนุษย์ทั้งปวงเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ ต่างมีเหตุผล\n"
KHMER = "មនុស្សទាំងអស់កើតមកមានសេរីភាពនិងសមភាពក្នុងសេចក្ដីថ្លៃថ្នូរ។\n"
ENGLISH = "We hold these truths to be self-evident, that all are created equal.\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (CHINESE, "100% of the letters are of scripts without spaces"),
        (JAPANESE, "100% of the letters are of scripts without spaces"),
        (THAI, "100% of the letters are of scripts without spaces"),
        (KHMER, "100% of the letters are of scripts without spaces"),
        (CHINESE * 3 + ENGLISH, "of the letters are of scripts without spaces"),
        ("acgt" * 10 + "\n", "letters stand 40 in a row on average, without spaces"),
        (ENGLISH, ""),
        (CHINESE + 3 * ENGLISH, ""),  # words are most of it
        ("我 喜欢 吃 苹果 ， 你 呢 ？\n", ""),  # spaces are between its words
        ("มนุษย์ ทั้งปวง เกิด มา มี อิสระ และ เสมอภาค กัน ใน เกียรติศักดิ์\n", ""),
        ("모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.\n", ""),
        ("मनुष्य जन्म से स्वतन्त्र तथा मर्यादा और अधिकारों में समान होते हैं।\n", ""),
        ("Donaudampfschifffahrtsgesellschaft und Rindfleischetikett, ja\n", ""),
        ("Alle Menschen sind frei und gleich an Würde und Rechten geboren.\n", ""),
        ("12 34 56\n", ""),
        ("", ""),
    ],
)
def test_a_text_has_words_where_spaces_are_between_them(text, why):
    for times in (1, 30, 30_000 // max(len(text), 1)):
        found = why_no_words(text * times)
        assert found.endswith(why) and bool(found) == bool(why), times


def test_long_texts_are_judged_by_passages_of_all_their_parts():
    """A preface in English makes no words of the Chinese behind it, or before it."""
    preface, rest = ENGLISH * 2200, CHINESE * 20_000
    assert why_no_words(preface + rest) and why_no_words(rest + preface)
    assert not why_no_words(rest[:20_000] + preface * 50)


def test_words_with_vowel_signs_are_whole(tmp_path):
    (tmp_path / "a.txt").write_text("हिन्दी भाषा " * 200)
    assert set(load_words(str(tmp_path / "a.txt")).words) == {"हिन्दी", "भाषा"}


def test_words_are_those_of_any_capitals():
    assert [*words_in("O Thou, o THOU: don't")] == ["o", "thou", "o", "thou", "don't"]


def test_what_was_read_is_said(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.md").write_text("One two two.\n" * 100)
    words = load_words(str(tmp_path))
    assert words.said == (
        f"{tmp_path}: 1 file, 1 300 characters, 9 distinct; 240 words in the training "
        "part, 2 distinct"
    )
    np.testing.assert_allclose(words.train[:, 0], [2 / 3, 1 / 3])


def test_words_that_no_space_parts_are_no_symbols(tmp_path):
    (tmp_path / "a.txt").write_text(CHINESE * 100)
    said = (
        r"a\.txt: 100% of the letters are of scripts without spaces, so its words are "
        "not known; put spaces between words, or use charlm$"
    )
    with pytest.raises(collapse.InputError, match=said):
        collapse.run("discrete", data=str(tmp_path / "a.txt"))


def test_what_only_held_out_parts_have_does_no_harm_to_words(tmp_path):
    """Words are counted in the training part alone."""
    (tmp_path / "a.txt").write_text("one two\n" * 200)
    words = load_words(str(tmp_path / "a.txt"))
    (tmp_path / "a.txt").write_text("one two\n" * 200 + "Ω")
    again = load_words(str(tmp_path / "a.txt"))
    np.testing.assert_array_equal(again.train, words.train)
    assert again.sha256 != words.sha256


def test_records_have_words(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"body": "one two two"}\n' * 100)
    words = load_words(str(tmp_path / "a.jsonl"), "body")
    assert words.words == ("two", "one")
    with pytest.raises(collapse.InputError, match="line 1: no field 'text'"):
        load_words(str(tmp_path / "a.jsonl"))
