"""YAML files are read as plain data with the place of every key and value."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.spec.yamlfile import MAX_BYTES, Place, read_yaml


def messages(text: str) -> list[str]:
    return [problem.message for problem in read_yaml(text.encode()).problems]


def test_every_key_and_value_has_its_place() -> None:
    """Lines and columns count from 1; a list item's place is its own."""
    file = read_yaml(b"a:\n  - x\n  - b: 1.10\n")
    assert file.marks[("a", 1, "b")].key == Place(3, 5)
    assert file.marks[("a", 1, "b")].value == Place(3, 8)
    assert file.marks[("a", 1, "b")].raw == "1.10"
    assert file.marks[("a", 0)].value == Place(2, 5)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("off", "off"),
        ("true", True),
        ("2026-01-31", "2026-01-31"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("0x1f", 31),
        ("1e3", 1000.0),
        ("~", None),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("|\n  12\n", "12\n"),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    """Only `true` and `false` are booleans; dates, times and `yes` stay text."""
    data = read_yaml(f"a: {text}".encode()).data["a"]
    assert (data, type(data)) == (value, type(value))


def test_a_leading_zero_is_no_silent_number() -> None:
    """`007` would lose its zeros, or be octal to older readers: the author has to choose."""
    assert messages("id: 007") == ["`007` is read as the number 7, without its leading zero"]
    assert messages("id: '007'") == []


def test_keys_are_text_as_written() -> None:
    """A key that looks like a number or boolean stays the text it is."""
    assert read_yaml(b"{1.10: a, no: b, true: c}").data == {"1.10": "a", "no": "b", "true": "c"}


def test_merge_keys_fill_in_what_is_missing() -> None:
    """`<<` takes keys of an anchor; the mapping's own keys win, and keep their places."""
    file = read_yaml(b"base: &b {x: 1, y: 2}\na:\n  y: 3\n  <<: *b\n")
    assert file.data["a"] == {"y": 3, "x": 1}
    assert file.marks[("a", "y")].key == Place(3, 3)
    assert file.marks[("a", "x")].key == Place(1, 11)
    assert messages("a:\n  <<: 3") == ["`<<` needs a mapping"]
    assert messages("b: &b {x: 1}\na:\n  <<: [*b, *b]") == []


def test_an_alias_that_contains_itself_is_refused() -> None:
    """Endless data is a mistake, not an endless loop."""
    assert messages("a: &a [*a]") == ["an alias contains itself"]


def test_aliases_of_aliases_cannot_nest_without_end() -> None:
    """Depth is bounded too, also where no line of the file nests."""
    chain = "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 3000))
    assert messages(f"a0: &a0 x\n{chain}") == ["nests deeper than 100 levels"]


def test_nested_aliases_cannot_blow_up() -> None:
    """A few lines that expand to billions of values are refused at once."""
    text = "a0: &a0 [x, x]\n" + "".join(
        f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}, *a{i - 1}, *a{i - 1}]\n" for i in range(1, 20)
    )
    assert "after its aliases are expanded" in messages(text)[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\n\tb: 2", "a tab can't indent YAML"),
        ("a: b: c", "a `:` stands where no key can be"),
        ("a: [1, 2", "a `[` or `{` is never closed, or a comma is missing"),
        ("a: 'x", "a quote or bracket is never closed"),
        ("a: 1\n---\nb: 2", "the file holds more than one document"),
        ("a: *b", "an alias has no anchor"),
        ("a: 1\n b: 2", "a `:` stands where no key can be"),
        ("a:\n  - 1\n b: 2", "the indentation doesn't fit the lines above"),
        ("a: @x", "a value can't begin with this character"),
        ("a: !!python/object:os.system x", "the tag `!!python/object:os.system` is not supported"),
        ("? [a]\n: 1", "a key must be text"),
        ("a: 1e999", "`1e999` is no finite number"),
        ("a: -.inf", "`-.inf` is no finite number"),
        ("a: 1\na: 2", "the key stands twice; the first is in line 1"),
        ("a: " + "[" * 3000, "nests deeper than 100 levels"),
    ],
)
def test_broken_syntax_is_explained(text: str, message: str) -> None:
    """What breaks is told in the author's words."""
    assert any(found.startswith(message) for found in messages(text)), messages(text)


def test_a_huge_file_is_refused_unread() -> None:
    """Specs are small; anything else is the wrong file."""
    assert "larger than 2 MiB" in read_yaml(b"#" * (MAX_BYTES + 1)).problems[0].message


@given(st.text(alphabet=st.sampled_from("ab:-[]{}&*!|>'\"#%@`,? \n\t0.~<"), max_size=60))
def test_no_text_crashes_the_reader(text: str) -> None:
    """Whatever is written, the answer is data or problems with a place."""
    file = read_yaml(text.encode())
    assert all(problem.place.line >= 1 and problem.message for problem in file.problems)


KEYS = st.text(min_size=1, max_size=8).filter(lambda key: key != "<<")
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@given(VALUES)
def test_json_reads_back_as_itself(value: object) -> None:
    """JSON is YAML: what was dumped is what is read, type for type."""
    file = read_yaml(json.dumps(value).encode())
    assert not file.problems
    assert json.dumps(file.data) == json.dumps(value)
