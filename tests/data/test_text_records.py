"""Fields of JSON lines, and held-out characters that are left as they are."""

import gzip

import pytest

from collapse.data.errors import DataError
from collapse.data.text import files as text_files
from collapse.data.text.split import load_text

FIELDS = {"prompt": "--prompt-field", "response": "--response-field"}
LINES = (
    '{"prompt": "a", "response": "b", "score": 1}\n\n{"response": "d", "prompt": "c"}\n'
)


def test_fields_of_each_record(tmp_path):
    plain, packed = tmp_path / "a.jsonl", tmp_path / "a.jsonl.gz"
    plain.write_text(LINES)
    packed.write_bytes(gzip.compress(LINES.encode()))
    for path in (plain, packed):
        assert text_files.records(path, FIELDS) == [("a", "b"), ("c", "d")]
    assert text_files.records(plain, {"response": "--field"}) == [("b",), ("d",)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"prompt": "a"}', "line 1: no field 'response'; name one with --response-f"),
        (
            '{"prompt": 1, "response": "b"}',
            "'prompt' is not text but int; name another",
        ),
        (
            LINES + '{"prompt": "a", "response": "\\t"}',
            "line 4: field 'response' is em",
        ),
        ("[1]", "line 1: not an object"),
        ("\n", "the file is empty"),
    ],
)
def test_records_that_are_refused(tmp_path, content, said):
    path = tmp_path / "a.jsonl"
    path.write_text(content)
    with pytest.raises(DataError) as error:
        text_files.records(path, FIELDS)
    assert said in str(error.value) and str(path) in str(error.value)


def test_unknown_characters_may_be_kept(tmp_path):
    """By a model that has tokens for all of them."""
    text = "a line of text\n" * 100
    path = tmp_path / "a.txt"
    path.write_text(f"{text}Ω\n")
    with pytest.raises(DataError, match="'Ω'"):
        load_text(str(path))
    kept = load_text(str(path), "keep")
    assert kept.test.endswith("Ω\n") and not kept.unknown
    assert "\ufffd" not in kept.vocabulary + kept.test
