"""The envelope: what is read of a request body, and every way in which a body is refused."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seekgate.wire import envelope
from seekgate.wire.envelope import MAX_MODEL, Envelope, read
from seekgate.wire.errors import (
    DUPLICATE_KEY,
    INVALID_JSON,
    INVALID_VALUE,
    MISSING_MODEL,
    NOT_AN_OBJECT,
    Refusal,
)

CHAT = {
    "model": "deepseek-flash",
    "messages": [{"role": "system", "content": "Be: brief"}, {"role": "user", "content": '问题: "why"?'}],
    "stream": True,
    "stream_options": {"include_usage": True},
    "temperature": 0.70,
    "tools": [
        {
            "type": "function",
            "function": {"name": "f", "parameters": {"properties": {"a": {"type": "string"}}}},
        }
    ],
}


def refused(body: bytes | str) -> Refusal:
    found = read(body.encode() if isinstance(body, str) else body)
    assert isinstance(found, Refusal), found
    return found


def accepted(body: bytes | str) -> Envelope:
    found = read(body.encode() if isinstance(body, str) else body)
    assert not isinstance(found, Refusal), found
    return found


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" ,\n", "\t:\r\n")])
def test_a_chat_in_every_spelling(ascii_only: bool, separators: tuple[str, str]) -> None:
    body = json.dumps(CHAT, ensure_ascii=ascii_only, separators=separators).encode()
    assert accepted(b" \n" + body + b"\n") == (CHAT, "deepseek-flash", True, True)


@pytest.mark.parametrize(
    ("more", "stream", "usage"),
    [
        ("", False, False),
        (',"stream":null,"stream_options":null', False, False),
        (',"stream":false,"stream_options":{}', False, False),
        (',"stream":true,"stream_options":{"include_usage":null}', True, False),
        (',"stream":true,"stream_options":{"include_usage":false,"x":1}', True, False),
        (',"messages":[],"input":["a","b"]', False, False),
        (',"messages":{"a":1}', False, False),
        (',"messages":[1,2,3]', False, False),
    ],
)
def test_absent_and_null_members(more: str, stream: bool, usage: bool) -> None:
    found = accepted('{"model":"m"' + more + "}")
    assert found[1:] == ("m", stream, usage)


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ('{"model":"a","model":"a"}', "model"),
        ('{"model":"a","mod\\u0065l":"b"}', "model"),
        ('{"model":"a","x":[{"y":{"b:c":1,"b:c":2}}]}', "b:c"),
        ('{"model":"a", "x" : 1, "x"\n:\t2 }', "x"),
        ('{"model":"a","":0,"":1}', ""),
        ('{"model":"a","z":1,"z":"\\u003a"}', "z"),
        ('{"model":"a","z":"\\u003a","z":1}', "z"),
        ('{"model":"a","b\\u003ac":1,"b:c":"\\u003A\\u003a"}', "b:c"),
        ('{"model":"a","z":"\\\\u003a","z":":"}', "z"),
        ('{"model":"a","z":"\\\\\\u003a","z":":"}', "z"),
    ],
)
def test_a_repeated_key_is_named(body: str, key: str) -> None:
    refusal = refused(body)
    assert refusal.kind is DUPLICATE_KEY
    assert refusal.param == key
    assert json.dumps(key, ensure_ascii=False) in refusal.message


@pytest.mark.parametrize(
    "body",
    [
        '{"model":"a","x":"\\u003a\\u003A","y":"\\\\u003a:","z":"\\\\\\u003a"}',
        '{"model":"a","u\\u003av":1,"w":{"u\\u003av":2}}',
        '{"model":"a", "x":"model", "y":{"model":"a"}, "z":[{"model":1},{"model":1}]}',
        '{"model":"a","x":"\\"model\\":1,\\"model\\":2"}',
        '{"model":"a","x":1.50,"y":100000000000000000000000000000000,"z":-0.0}',
        '{"model":"a","x":"\\/\\b\\f\\ud83d\\ude00"}',
    ],
)
def test_what_only_looks_like_a_repeated_key(body: str) -> None:
    assert accepted(body)[1] == "a"


def test_a_repeated_key_of_a_large_body_is_refused_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelope, "NAME_DUPLICATE_BELOW", 10)
    refusal = refused('{"model":"a","model":"b"}')
    assert refusal == Refusal(DUPLICATE_KEY, DUPLICATE_KEY.message)


@pytest.mark.parametrize("key", ["k" * 5000, "é", ":", "what is the weather", "4f1c9b7ae02d"])
def test_a_repeated_key_that_looks_like_no_name_is_not_repeated(key: str) -> None:
    """It may be text of the prompt, or worse."""
    refusal = refused(json.dumps({"model": "a", key: 1})[:-1] + f',"{key}":2' + "}")
    assert (refusal.kind, refusal.param) == (DUPLICATE_KEY, None)
    assert refusal.message.startswith('The key "…" occurs twice')


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b" \r\n\t ", "empty"),
        (b'{"model":"a"} x', "trailing characters"),
        (b'{"model":"a"}{"model":"b"}', "trailing characters"),
        (b'{"model":"a",}', "trailing comma"),
        (b'{"model":"a"', "ends early"),
        (b'{"model":NaN}', "invalid character (byte 9)"),
        (b'{"model":"a","x":-Infinity}', "invalid character"),
        (b"{'model':'a'}", "keys must be strings"),
        (b'{"model":"a\x01"}', "invalid character"),
        (b'{"model":"a","x":01}', "invalid number"),
        (b'{"model":"\\x"}', "invalid escape"),
        (b'{"model":"\\ud800"}', "half a surrogate pair"),
        (b'{"model":"\\udc00\\ud800"}', "surrogate pair"),
        (b'{"model":"a","x":1e400}', "out of range"),
        (b'{"model":"a","x":' + b"9" * 5000 + b"}", "out of range"),
        (b'{"model":"\xff"}', "not valid UTF-8 (byte 10)"),
        (b'{"model":"\xed\xa0\x80"}', "not valid UTF-8 (byte 10)"),
        (b'{"\xc0\xaf":1}', "not valid UTF-8 (byte 2)"),
        (b'\xef\xbb\xbf{"model":"a"}', "invalid character (byte 0)"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 200_000, "nested too deeply"),
        (b'{"model":"a","x":' + b"[" * 50_000 + b"]" * 50_000 + b"}", "nested too deeply"),
    ],
)
def test_what_is_not_json_is_told_apart(body: bytes, words: str) -> None:
    refusal = refused(body)
    assert refusal.kind is INVALID_JSON
    assert words in refusal.message


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("[]", "an array"),
        ('"x"', "a string"),
        ("1", "a number"),
        ("1.5", "a number"),
        ("true", "a boolean"),
        ("null", "null"),
    ],
)
def test_the_top_must_be_an_object(body: str, name: str) -> None:
    refusal = refused(body)
    assert refusal.kind is NOT_AN_OBJECT
    assert name in refusal.message


@pytest.mark.parametrize(
    ("body", "param", "words"),
    [
        ({"model": 3}, "model", "a string, not a number"),
        ({"model": ["a"]}, "model", "a string, not an array"),
        ({"model": ""}, "model", "empty"),
        ({"model": "m" * (MAX_MODEL + 1)}, "model", "longer than 256"),
        ({"model": "m", "stream": 1}, "stream", "a boolean, not a number"),
        ({"model": "m", "stream": "true"}, "stream", "a boolean, not a string"),
        ({"model": "m", "stream_options": True}, "stream_options", "an object, not a boolean"),
        (
            {"model": "m", "stream_options": {"include_usage": {}}},
            "stream_options.include_usage",
            "a boolean, not an object",
        ),
    ],
)
def test_a_value_of_the_wrong_type_is_named_by_its_path(body: dict[str, Any], param: str, words: str) -> None:
    refusal = refused(json.dumps(body))
    assert refusal.kind is INVALID_VALUE
    assert refusal.param == param
    assert words in refusal.message


@pytest.mark.parametrize("body", ["{}", '{"model":null}', '{"Model":"a"}'])
def test_a_missing_model(body: str) -> None:
    assert refused(body) == Refusal(MISSING_MODEL, MISSING_MODEL.message, "model")


def test_the_longest_model_is_accepted() -> None:
    assert accepted(json.dumps({"model": "模" * MAX_MODEL}, ensure_ascii=False))[1] == "模" * MAX_MODEL


names = st.text(alphabet=':a"\\ué', max_size=3)
Tree = Any
trees: st.SearchStrategy[Tree] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(alphabet=':u03aA"\\é', max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(st.tuples(names, inner), max_size=4).map(lambda pairs: ("object", pairs)),
    ),
    max_leaves=12,
)


def write(tree: Tree, data: st.DataObject) -> tuple[str, bool]:
    """JSON text of a tree whose objects are lists of pairs, in a drawn spelling; True when a key repeats."""
    space = data.draw(st.sampled_from(["", " ", "\n\t"]))
    if isinstance(tree, tuple):
        parts = [(spell(key, data), write(value, data)) for key, value in tree[1]]
        text = ",".join(f"{space}{key}{space}:{value}" for key, (value, _) in parts)
        keys = [key for key, _ in tree[1]]
        return "{" + text + "}", len(set(keys)) < len(keys) or any(twice for _, (_, twice) in parts)
    if isinstance(tree, list):
        items = [write(item, data) for item in tree]
        return "[" + f"{space},".join(text for text, _ in items) + "]", any(twice for _, twice in items)
    return (spell(tree, data) if isinstance(tree, str) else json.dumps(tree)) + space, False


def spell(text: str, data: st.DataObject) -> str:
    written = json.dumps(text, ensure_ascii=data.draw(st.booleans()))
    if data.draw(st.booleans()):
        written = written.replace(":", data.draw(st.sampled_from(["\\u003a", "\\u003A"])))
    return written


@given(st.lists(st.tuples(names, trees), max_size=4), st.data())
def test_a_repeated_key_is_found_exactly(pairs: list[tuple[str, Tree]], data: st.DataObject) -> None:
    text, twice = write(("object", [("model", "m"), *pairs]), data)
    found = read(text.encode())
    assert isinstance(found, Refusal) is twice
    if isinstance(found, Refusal):
        assert found.kind is DUPLICATE_KEY
    else:
        assert found[0] == json.loads(text)


@given(
    st.one_of(
        st.binary(max_size=80), st.text(alphabet='{}[]":,\\u0aef1.-e \x00', max_size=40).map(str.encode)
    )
)
@example(b'{"model":"a","a":"\\ud800\\udc00"}')
def test_no_bytes_raise_and_json_is_judged_as_by_the_standard_library(body: bytes) -> None:
    found = read(body)
    if isinstance(found, Refusal):
        msgspec.json.decode(found.body("r"))
        return
    assert json.loads(body) == found[0]
