"""Spans: an edit of the text means what an edit of the decoded object means, and touches nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seekgate.wire.jsonspan import (
    append_member,
    remove_member,
    replace_span,
    set_member,
    top_level_span,
    value_end,
)


def value_of(body: bytes, key: str, unique: bool = False) -> bytes | None:
    span = top_level_span(body, key, unique)
    return None if span is None else body[span[0] : span[1]]


CASES: list[tuple[str, bytes, str, bytes | None]] = [
    ("first", b'{"model":"a","x":1}', "model", b'"a"'),
    ("first with spaces", b' {\n "model" :\t"a" , "x":1}', "model", b'"a"'),
    ("last", b'{"messages":[{"role":"user","content":"}]"}],"model":"a"}', "model", b'"a"'),
    ("last with spaces", b'{"m":[{"n":[{}]}],\n "model" : "a" }\n', "model", b'"a"'),
    ("then flat members", b'{"m":[[{}]],"model":"a","o":{"u":"}"},"l":["]",1]}', "model", b'"a"'),
    ("then deep members", b'{"m":[[{}]],"model":"a","o":{"u":{"v":1}}}', "model", b'"a"'),
    ("nested only", b'{"o":{"model":"a"},"x":1}', "model", None),
    ("nested only and last", b'{"x":1,"o":{"y":{"z":1},"model":"a"}}', "model", None),
    ("nested before", b'{"o":{"model":"b"},"model":"a"}', "model", b'"a"'),
    ("nested after", b'{"o":[[]],"model":"a","p":[{"model":"b"}]}', "model", b'"a"'),
    ("as a value before", b'{"o":"model","model":"a"}', "model", b'"a"'),
    ("as a value after", b'{"l":[[1]],"model":"a","o":"model"}', "model", b'"a"'),
    ("as a value only", b'{"o":"model"}', "model", None),
    ("inside a string", b'{"s":"say \\"model\\":\\"b\\" ,\\"model\\"","model":"a"}', "model", b'"a"'),
    ("end of a string", b'{"s":"x ,\\"model","t":[[]],"model":"a","u":[[]]}', "model", b'"a"'),
    ("escaped key", b'{"mod\\u0065l":"a","x":[{}]}', "model", b'"a"'),
    ("escaped key behind", b'{"x":[[{}]],"mod\\u0065l":"a"}', "model", b'"a"'),
    ("longer key", b'{"model2":"b","xmodel":"c"}', "model", None),
    ("object value", b'{"model":{"a":"}","b":[{}]},"x":1}', "model", b'{"a":"}","b":[{}]}'),
    ("array value", b'{"x":[[]],"model":["]",{"a":"\\\\"}] }', "model", b'["]",{"a":"\\\\"}]'),
    ("number value", b'{"model":-1.50E+400}', "model", b"-1.50E+400"),
    ("null value", b'{"x":[[]],"model":null,"y":[[]]}', "model", b"null"),
    ("escapes in the value", b'{"model":"\\"\\\\","x":1}', "model", b'"\\"\\\\"'),
    ("surrogates", b'{"s":"\\ud83d\\ude00\\u003a","model":"a"}', "model", b'"a"'),
    ("empty object", b"{}", "model", None),
    ("empty key", b'{"":1}', "", b"1"),
    ("key with a quote", b'{"a\\"b":1}', 'a"b', b"1"),
    ("chinese key", '{"x":[[]],"模型":"a"}'.encode(), "模型", b'"a"'),
]


@pytest.mark.parametrize(("body", "key", "value"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_the_member_is_found(body: bytes, key: str, value: bytes | None) -> None:
    decoded = json.loads(body)
    assert (key in decoded) is (value is not None)
    assert value_of(body, key) == value
    if value is not None:
        assert value_of(body, key, unique=True) == value
        span = top_level_span(body, key)
        assert span is not None
        assert json.loads(replace_span(body, span, b"[7]")) == {**decoded, key: [7]}
    assert json.loads(set_member(body, key, b'{"n":1}')) == {**decoded, key: {"n": 1}}
    removed = {k: v for k, v in decoded.items() if k != key}
    assert json.loads(remove_member(body, key)) == removed
    if value is None:
        assert remove_member(body, key) is body


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{}", b'{"k":1}'),
        (b" { }\n", b' { "k":1}\n'),
        (b'{"a":1}', b'{"a":1,"k":1}'),
        (b'{\n  "a": 1\n}\n', b'{\n  "a": 1,"k":1\n}\n'),
        (b'{"a":"{"}', b'{"a":"{","k":1}'),
        (b'{"a":{}}', b'{"a":{},"k":1}'),
    ],
)
def test_a_member_is_appended_and_all_else_kept(body: bytes, expected: bytes) -> None:
    assert append_member(body, "k", b"1") == expected
    assert set_member(body, "k", b"1") == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"k":1}', b"{}"),
        (b'{ "k" : 1 }', b"{  }"),
        (b'{"k":1,"a":2}', b'{"a":2}'),
        (b'{"k":1 , "a":2}', b'{ "a":2}'),
        (b'{"a":2,"k":1}', b'{"a":2}'),
        (b'{"a":2 , "k":1 }', b'{"a":2  }'),
        (b'{"a":2,"k":[1,2],"b":3}', b'{"a":2,"b":3}'),
        (b'{"a":",","k":null}', b'{"a":","}'),
    ],
)
def test_a_member_is_removed_with_one_comma(body: bytes, expected: bytes) -> None:
    assert remove_member(body, "k") == expected


@pytest.mark.parametrize("body", [b"", b"[]", b"x", b'{"a":1', b"{]"])
def test_what_does_not_end_as_an_object_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="JSON object"):
        append_member(body, "k", b"1")


@pytest.mark.parametrize(
    ("text", "end"),
    [
        (b'"a\\"b" x', 6),
        (b"12,", 2),
        (b"true}", 4),
        (b'{"a":"}"}}', 9),
        (b'[[],"]"]]', 8),
        (b'"open', None),
        (b'{"a":"open}', None),
        (b"[[]", None),
        (b"{", None),
        (b"", None),
        (b":", None),
        (b'"\\', None),
    ],
)
def test_where_a_value_ends(text: bytes, end: int | None) -> None:
    assert value_end(text, 0) == end


def test_large_and_deep_texts_take_linear_time_and_no_recursion() -> None:
    deep = b'{"m":' + b"[" * 200_000 + b"]" * 200_000 + b',"model":"a"}'
    assert value_of(deep, "model") == b'"a"'
    escapes = b'{"m":["' + b"\\n" * 2_000_000 + b'"],"model":"a","z":[[]]}'
    assert value_of(escapes, "model") == b'"a"'
    open_string = b'{"m":[' + b'"a",' * 200_000 + b'"' + b"\\\\" * 500_000
    assert value_of(open_string, "model") is None


keys = st.one_of(
    st.sampled_from(["model", "usage", "k", "", "mo"]), st.text(alphabet='model":,\\é{}', max_size=7)
)
texts = st.one_of(
    st.sampled_from(["model", '"model":', ',"model":1}', "{[", "]}", "\\"]), st.text(max_size=6)
)
values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=10,
)
spellings = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n\t", " \r\n: ")])


def write(tree: dict[str, Any], separators: tuple[str, str], ascii_only: bool, escaped: bool) -> bytes:
    text = json.dumps(tree, separators=separators, ensure_ascii=ascii_only)
    # The letter "o" spelled as an escape, so that keys are found decoded and not as they stand.
    return (text.replace("o", "\\u006f") if escaped else text).encode()


@given(st.dictionaries(keys, values, max_size=6), keys, values, spellings, st.booleans(), st.booleans())
def test_edits_of_text_and_of_objects_agree(
    tree: dict[str, Any], key: str, value: Any, spelling: tuple[str, str], ascii_only: bool, escaped: bool
) -> None:
    body = b" " + write(tree, spelling, ascii_only, escaped) + b"\n"
    decoded = json.loads(body)
    new = json.dumps(value).encode()
    span = top_level_span(body, key)
    assert (span is not None) is (key in decoded)
    changed = set_member(body, key, new)
    assert json.loads(changed) == {**decoded, key: value}
    assert list(json.loads(changed)) == list({**decoded, key: value})
    removed = remove_member(body, key)
    assert list(json.loads(removed).items()) == [pair for pair in decoded.items() if pair[0] != key]
    if span is not None:
        assert top_level_span(body, key, unique=True) == span
        assert json.loads(body[slice(*span)]) == decoded[key]
        assert changed == body[: span[0]] + new + body[span[1] :] == replace_span(body, span, new)
        assert set_member(body, key, body[slice(*span)]) == body
        # Removing takes one run of bytes, which holds the value and one comma, if there was one to hold.
        lost = len(body) - len(removed)
        assert any(body[:at] + body[at + lost :] == removed for at in range(span[0]))
    else:
        assert removed is body


@given(st.binary(max_size=60), st.sampled_from(["model", "", "é"]))
def test_no_bytes_raise_anything_but_valueerror(noise: bytes, key: str) -> None:
    for body in (noise, b'{"model":' + noise, b'{"x":[' + noise + b'],"model":1}'):
        for unique in (False, True):
            span = top_level_span(body, key, unique)
            assert span is None or 0 < span[0] < span[1] <= len(body)
        remove_member(body, key)
        try:
            set_member(body, key, b"1")
        except ValueError:
            assert not body.rstrip(b" \t\r\n").endswith(b"}")
