"""Real text: what is read, how it is split, and what is refused."""

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest

from collapse.data.errors import DataError
from collapse.data.text import split as texts
from collapse.data.text.split import load_text

LINE = "abcdefghijklmnopqrs\n"  # 20 characters
TEXT = LINE * 100
PARTS = {"train.txt": LINE * 60, "validation.txt": LINE * 7, "test.txt": LINE * 9}


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def written(tmp_path):
    """Writes files (text or bytes) into a folder and returns its path."""

    def write(**files):
        for name, content in files.items():
            raw = content if isinstance(content, bytes) else content.encode()
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(raw)
        return str(tmp_path)

    return write


def read(written, content):
    """What is loaded from one file."""
    return load_text(str(Path(written(**{"one.txt": content}), "one.txt")))


# What can be read


def test_shakespeare_is_shipped():
    data = load_text("shakespeare")
    assert [len(part) for part in data[:3]] == [1_129_338, 98_309, 219_520]
    starts = ("HAMLET, PRINCE", "THE TEMPEST", "MACBETH")
    assert all(map(str.startswith, data[:3], starts))
    assert len(data.vocabulary) == 76 and set(data.vocabulary) == set(data.train)
    # the digests of the brief that the texts came with
    digests = (
        "c467cca0ac6fdf167fb58ca92a5f150e8fee74b88fb0dacbe3e0c1e9a766bcf0  train.txt\n"
        "9334a82e91928d720c0b5d7eea74a7815e37b7b5d7d54cdfdd58c9cac1bb78b7  "
        "validation.txt\n"
        "951e948b0b4a7ddac724bef713058c7e35bd25ed5104df7071ed648f54f533f0  test.txt\n"
    )
    assert data.sha256 == sha256(digests.encode())


def test_three_parts_are_taken_as_they_are(written):
    data = load_text(written(**PARTS, **{"notes.txt": "never read: \0"}))
    assert data[:3] == (*PARTS.values(),)
    assert data.vocabulary == "\nabcdefghijklmnopqrs"


def test_one_file_is_cut_in_its_order(written):
    text = "".join(f"{k:019}\n" for k in range(100))
    data = read(written, text)
    assert "".join(data[:3]) == text
    assert [len(part) for part in data[:3]] == [1600, 200, 200]
    assert data.vocabulary == "\n0123456789"
    assert data.sha256 == sha256(text.encode())


def test_other_files_are_joined_by_name(written):
    files = {"b.TXT": "b" * 998, "a.txt": "a" * 999, "c.rst": "c" * 999}
    folder = written(**files)
    Path(folder, "folder.txt").mkdir()
    data = load_text(folder.removesuffix("/") + "/")
    assert data.train == "a" * 999 + "\n" + "b" * 598  # no line end is near
    assert (data.validation, data.test) == ("b" * 200, "b" * 200)
    lines = "".join(
        f"{sha256(files[name].encode())}  {name}\n" for name in ("a.txt", "b.TXT")
    )
    assert data.sha256 == sha256(lines.encode())


def test_a_folder_is_read_to_the_bottom(written):
    """In the order of paths, not of names: what begins with a dot is left alone."""
    files = {
        "b/a.md": "3" * 999,
        "a.txt": "1" * 999,
        "b.txt": "5" * 999,
        "a/z/z.MD": "2" * 999,
        "b/b.txt": "4" * 999,
    }
    left = {".git/x.txt": "x" * 999, "a/.x.md": "x" * 999, "a/x.py": "x", "r.csv": "x"}
    folder = written(**files, **left, **{"z.jsonl": "never read"})
    data = load_text(folder, "replace")
    read = "2" * 999 + "\n" + "1" * 999 + "\n" + "3" * 999 + "\n" + "4" * 999
    assert (data.train + data.validation + data.test).startswith(read[:3995])
    names = ["a/z/z.MD", "a.txt", "b/a.md", "b/b.txt", "b.txt"]
    lines = "".join(f"{sha256(files[n].encode())}  {n}\n" for n in names)
    assert data.sha256 == sha256(lines.encode())
    assert data.summary.startswith(f"{folder}: 5 files, 4 999 characters, 6 distinct;")


def test_what_was_read_is_said(written):
    data = load_text(written(**PARTS))
    assert data.summary.partition(": ")[2] == (
        "3 files, 1 520 characters, 20 distinct; held out 140 for validation and 180 "
        "for testing, 1 200 to train on"
    )


def records(*texts, field="text"):
    return "".join(json.dumps({"id": 1, field: text}) + "\n" for text in texts)


def test_json_lines_are_joined_by_line_ends(written):
    texts = ["a\nb\r\n" * 200, "é" * 300, "", "c" * 200]
    content = "\ufeff" + records(*texts) + "\n \n"
    path = str(Path(written(**{"a.jsonl": content}), "a.jsonl"))
    whole = "\n".join(texts).replace("\r", "")
    assert "".join(load_text(path, "replace")[:3])[:1100] == whole[:1100]
    path = str(Path(written(**{"a.ndjson": records(TEXT, field="body")}), "a.ndjson"))
    assert "".join(load_text(path, field="body")[:3]) == TEXT
    folder = written(**{"sub/b.jsonl": records(TEXT, field="body")})
    Path(folder, "a.jsonl").unlink()
    assert "".join(load_text(folder, field="body")[:3]) == TEXT + TEXT


def test_packed_files_are_unpacked(written):
    names = {"a.txt.gz": TEXT, "b.md.GZ": TEXT, "c.txt": TEXT}
    packed = {name: gzip.compress(text.encode()) for name, text in names.items()}
    folder = written(**packed | {"c.txt": TEXT})
    data = load_text(folder)
    assert "".join(data[:3]) == 3 * TEXT
    parts = {f"{n}.gz": gzip.compress(text.encode()) for n, text in PARTS.items()}
    assert load_text(written(**parts))[:3] == (*PARTS.values(),)


def test_parts_may_be_json_lines(written):
    parts = {Path(n).stem: text for n, text in PARTS.items()}
    found = load_text(written(**{f"{n}.jsonl": records(t) for n, t in parts.items()}))
    assert found[:3] == (*PARTS.values(),)


# Characters that only held-out parts have


def test_unknown_characters_are_replaced_and_counted(written):
    folder = written(
        **PARTS
        | {"validation.txt": LINE * 7 + "Ωa", "test.txt": "Ω\U0001f600Ω" + LINE * 9}
    )
    data = load_text(folder, "replace")
    assert data.train == PARTS["train.txt"]
    assert data.validation == LINE * 7 + "\ufffda"
    assert data.test == "\ufffd" * 3 + LINE * 9
    assert data.vocabulary == "\nabcdefghijklmnopqrs\ufffd"
    assert data.unknown_share == 4 / (142 + 183)
    assert data.unknown == (
        "1.2 % of the held-out characters (2 distinct) are unknown and read as \ufffd"
    )
    assert ", 22 distinct;" in data.summary


def test_the_unknown_token_is_there_whether_or_not_it_is_needed(written):
    data = load_text(written(**PARTS), "replace")
    assert data[:3] == (*PARTS.values(),) and data.unknown == ""
    assert data.vocabulary == load_text(written(**PARTS)).vocabulary + "\ufffd"
    # one that the training text has itself is no other
    own = load_text(written(**PARTS | {"train.txt": "\ufffd" + LINE * 60}), "replace")
    assert own.vocabulary == data.vocabulary


# A part of a text


def test_the_beginnings_of_all_parts_are_used(written):
    """The vocabulary is that of the whole, and so is what is refused."""
    parts = {"train.txt": LINE * 600 + "Ω", "validation.txt": LINE * 70}
    parts |= {"test.txt": LINE * 90 + "Ω"}
    whole = load_text(written(**parts))
    some = load_text(written(**parts), characters=1005)
    assert [len(part) for part in some[:3]] == [805, 100, 100]
    assert all(map(str.startswith, whole[:3], some[:3]))
    assert some.vocabulary == whole.vocabulary and some.sha256 == whole.sha256
    assert some.summary == whole.summary + "; used 1 005 (--characters)"
    assert load_text(written(**parts), characters=10**6) == whole
    with pytest.raises(DataError, match="never occurs"):
        load_text(written(**parts | {"test.txt": LINE * 90 + "é"}), characters=1005)


def test_no_line_end_is_doubled_between_files(written):
    data = load_text(written(**{"a.txt": TEXT, "b.txt": TEXT}))
    assert "".join(data[:3]) == TEXT * 2


def test_moving_text_between_the_parts_changes_the_digest(written):
    before = load_text(written(**PARTS)).sha256
    moved = {"validation.txt": LINE * 8, "test.txt": LINE * 8}
    assert load_text(written(**PARTS | moved)).sha256 != before


@pytest.mark.parametrize(
    "content",
    [
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
        b"\xef\xbb\xbf" + TEXT.encode(),
    ],
)
def test_line_ends_and_the_byte_order_mark_do_not_matter(written, content):
    assert read(written, content)[:4] == read(written, TEXT)[:4]


def test_any_script_is_read(written):
    text = "быть или не быть\n" * 80
    data = read(written, text)
    assert "".join(data[:3]) == text and data.vocabulary == "".join(sorted(set(text)))


@pytest.mark.parametrize(
    ("ends", "first"),
    [
        ([790], 791),  # the start of the line after it
        ([820], 821),
        ([789, 808], 809),  # the nearest
        ([790, 808], 791),  # the first of two as near
        ([793, 810], 794),
        ([799], 800),
        ([774], 800),  # too far: 25 of 1000 are near
        ([775], 776),
        ([824], 825),
        ([825], 800),
        ([], 800),
    ],
)
def test_a_cut_looks_for_a_line_end_near_by(ends, first):
    text = "".join("\n" if k in ends else "x" for k in range(1000))
    train, validation, test = texts._split(text)
    assert train == text[:first] and train + validation + test == text
    assert len(test) == 100


# What is refused


def refused(name, *parts):
    with pytest.raises(DataError) as error:
        load_text(name)
    message = str(error.value)
    assert message.startswith(str(Path(name))) and "\n" not in message
    assert all(part in message for part in parts), message


def refused_file(written, content, *parts):
    refused(str(Path(written(**{"one.txt": content}), "one.txt")), *parts)


def test_missing(tmp_path):
    refused(
        "missing.txt", "no such file or folder; give a .txt file, a folder", "shake"
    )
    refused(str(tmp_path), "no .txt file in this folder; put one there")


@pytest.mark.parametrize("missing", [["test.txt"], ["train.txt", "validation.txt"]])
def test_missing_parts(written, missing):
    files = {name: text for name, text in PARTS.items() if name not in missing}
    refused(written(**files), f"has {' and '.join(files)} but no", "give all three")
    refused(written(**files), f"but no {' and '.join(missing)};")


@pytest.mark.parametrize("content", [b"", b" \n\t\n", b"\xef\xbb\xbf"])
def test_empty(written, content):
    refused_file(written, content, "one.txt: the file is empty; fill or remove it")
    files = {"a.txt": TEXT, "b.txt": content}
    refused(written(**files), "b.txt: the file is empty")


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (TEXT.encode() + b"\0" + LINE.encode(), ["a zero byte at offset 2000"]),
        (TEXT.encode("utf-16"), ["a zero byte at offset 3", "save it as UTF-8"]),
        (b"caf\xe9 " + TEXT.encode(), ["not UTF-8: byte 0xe9 at offset 3", "save it"]),
        (b"\xef\xbb\xbfcaf\xe9 " + TEXT.encode(), ["byte 0xe9 at offset 6"]),
        (TEXT.encode() + b"\xe2\x82", ["not UTF-8: byte 0xe2 at offset 2000"]),
    ],
)
def test_binary(written, content, parts):
    refused_file(written, content, "one.txt: not", *parts)


def test_too_short(written):
    refused_file(written, "x" * 999, "999 characters are too few; give at least 1000")
    files = {"one.txt": "x" * 499, "two.txt": "x" * 499}
    refused(written(**files), "999 characters are too few; give at least 1000")


def test_the_least_that_is_read(written):
    # a single line: nothing is added to it
    assert read(written, "x" * 1000)[:4] == ("x" * 800, "x" * 100, "x" * 100, "x")
    assert [len(part) for part in read(written, "x" * 1004)[:3]] == [803, 101, 100]


@pytest.mark.parametrize(
    ("name", "least"), [("train.txt", 1000), ("validation.txt", 100), ("test.txt", 100)]
)
def test_too_short_a_part(written, name, least):
    short = written(**PARTS | {name: (LINE * 60)[: least - 1]})
    refused(short, f"{name}: {least - 1} characters are too few; give at least {least}")
    load_text(written(**{name: (LINE * 60)[:least]}))


def test_an_unknown_character_of_a_part(written):
    folder = written(**PARTS | {"test.txt": LINE * 8 + "abc§def\n€§" + LINE})
    place = "test.txt: line 9, column 4: '§' (U+00A7) never occurs in train.txt"
    refused(folder, place + ", nor do '€'; replace it, or have it there")
    folder = written(**{"validation.txt": "\ufeff\U0001f600" + LINE * 9})
    place = "validation.txt: line 1, column 1: '\U0001f600' (U+1F600) never occurs"
    refused(folder, place + " in train.txt, nor do ")
    many = "".join(map(chr, range(0x400, 0x400 + 25)))
    folder = written(**PARTS | {"test.txt": LINE * 9 + many})
    refused(folder, "'Ѐ' (U+0400) never occurs in train.txt, nor do 'Ё' 'Ђ' ", "4 more")
    folder = written(**PARTS | {"test.txt": LINE * 8 + "\t"})
    refused(folder, r"test.txt: line 9, column 1: '\t' (U+0009) never occurs in train")


def test_an_unknown_character_of_one_file(written):
    text = "é" + TEXT.replace("\n", "\r\n") + "aé\r\nb\r\nabc€" + LINE
    place = "one.txt: line 103, column 4: '€' (U+20AC) never occurs in the first 80 %"
    refused_file(written, text, place + ", the training part; replace it, or have")


def test_an_unknown_character_of_joined_files(written):
    # the file before lacks its line end, and the split is inside it
    files = {"a.txt": TEXT.removesuffix("\n"), "b.txt": LINE + "a§b\n" + LINE}
    refused(written(**files), "b.txt: line 2, column 2: '§' (U+00A7) never")
    files = {"a.txt": TEXT.removesuffix("\n") + "§", "b.txt": LINE}
    refused(written(**files), "a.txt: line 100, column 20: '§' (U+00A7) never")


def test_the_flag_that_replaces_is_named(written):
    folder = written(**PARTS | {"test.txt": LINE * 9 + "Ω"})
    refused(folder, "have it there, too, or give --unknown replace")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{'text': 1}", "not JSON (Expecting property name enclosed in double quotes)"),
        ('["text"]', 'not an object; give lines like {"text": "..."}'),
        ('{"body": "a", "id": 3}', "no field 'text'; name one with --field (body, id)"),
        ("{}", "no field 'text'; name one with --field (none)"),
        ('{"text": 3}', "field 'text' is not text but int; name another with --field"),
        ('{"text": null}', "field 'text' is not text but NoneType"),
        (r'{"text": "\u0000"}', "field 'text' holds a character that is no text"),
        (r'{"text": "\ud800"}', "field 'text' holds a character that is no text"),
        ("[" * 10**5, "not JSON"),
    ],
)
def test_a_record_that_is_no_text(written, line, said):
    content = records(TEXT) + "\n" + line + "\n" + records(TEXT)
    path = str(Path(written(**{"a.jsonl": content}), "a.jsonl"))
    refused(path, f"a.jsonl: line 3: {said}")


def test_an_unknown_character_of_a_record(written):
    content = records("é\r\n" + TEXT) + "\n" + records(LINE * 5, LINE, "aΩ", LINE)
    path = str(Path(written(**{"a.jsonl": content}), "a.jsonl"))
    refused(path, "a.jsonl: line 5, field 'text': 'Ω' (U+03A9) never occurs in the ")


@pytest.mark.parametrize("cut", [slice(40), slice(20, None)])
def test_a_broken_packed_file(written, cut):
    raw = gzip.compress(TEXT.encode())[cut]
    path = str(Path(written(**{"a.txt.gz": raw}), "a.txt.gz"))
    refused(path, "a.txt.gz: cannot be unpacked (", "pack it again")


def test_unreadable(written, monkeypatch):
    def locked(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", locked)
    refused_file(written, TEXT, "one.txt: cannot be read (Permission denied)")


def test_what_is_shipped_is_what_sources_md_says():
    sources = Path(texts.__file__).parents[1] / "SOURCES.md"
    for part, text in zip(texts.LEAST, load_text("shakespeare")[:3], strict=True):
        [row] = re.findall(rf"^\| shakespeare/{part} .*$", sources.read_text(), re.M)
        assert f"| {len(text):,} characters" in row
