"""Every string of a request is read or skipped for a reason, and edits touch nothing but what they name."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from seekgate.wire.texts import (
    NAMES,
    NOT_READ,
    Edit,
    Skipped,
    Text,
    contents,
    edit,
    edits,
    offsets,
    read,
    string_inside,
)

CHARACTERS = st.sampled_from(
    ["a", '"', "\\", "/", "\n", "张", "é", "😀", "\x7f", "\u2028", "1", "{", "}", ":", ","]
)
WORDS = st.text(CHARACTERS, max_size=6)
KEYS = st.one_of(st.sampled_from(sorted(NAMES)), WORDS)
TREES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=20,
)
OBJECTS = st.dictionaries(KEYS, TREES, max_size=5)


def spelled(tree: Any, ascii_only: bool = False, space: bool = False) -> bytes:
    separators = (", ", ": ") if space else (",", ":")
    return json.dumps(tree, ensure_ascii=ascii_only, separators=separators).encode()


def strings(tree: Any) -> list[str]:
    """All strings, in the order in which they are written."""
    if isinstance(tree, str):
        return [tree]
    if isinstance(tree, dict):
        return [text for key, value in tree.items() for text in [key, *strings(value)]]
    if isinstance(tree, list):
        return [text for value in tree for text in strings(value)]
    return []


@given(OBJECTS, st.booleans(), st.booleans())
def test_every_string_is_read_or_skipped(tree: dict[str, Any], ascii_only: bool, space: bool) -> None:
    body = spelled(tree, ascii_only, space)
    skipped: list[Skipped] = []
    texts = read(body, tree, skipped)
    spans = sorted([(t.start, t.end) for t in texts] + [(s.start, s.end) for s in skipped])
    assert [json.loads(b'"' + body[a:b] + b'"') for a, b in spans] == strings(tree)
    for text in texts:
        assert json.loads(b'"' + body[text.start : text.end] + b'"') == text.value
    assert read(body, tree) == texts


@given(OBJECTS, st.booleans(), st.data())
def test_an_edit_changes_what_it_names_and_no_other_byte(
    tree: dict[str, Any], ascii_only: bool, data: st.DataObject
) -> None:
    body = spelled(tree, ascii_only)
    texts = [text for text in read(body, tree) if text.value]
    if not texts:
        return
    text = data.draw(st.sampled_from(texts))
    start = data.draw(st.integers(0, len(text.value)))
    end = data.draw(st.integers(start, len(text.value)))
    new = data.draw(WORDS)
    (made,) = edits(text, body, [(start, end, new)])
    after = edit(body, [made])
    assert after.startswith(body[: text.start])
    assert after.endswith(body[text.end :])
    inside = after[text.start : len(after) - len(body) + text.end]
    assert json.loads(b'"' + inside + b'"') == text.value[:start] + new + text.value[end:]
    assert json.loads(body[: made.start][text.start :].join([b'"', b'"'])) == text.value[:start]


def found(tree: dict[str, Any]) -> list[Text]:
    return read(spelled(tree), tree)


def test_places_roles_and_nesting() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    tree = {
        "model": "m",
        "messages": [
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": None, "reasoning_content": "two", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "three"}]},
        ],
        "metadata": {"who": "four"},
    }
    assert [(t.value, t.place, t.role, t.is_key, t.nested) for t in found(tree)] == [
        ("one", "messages.content", "user", False, False),
        ("two", "messages.reasoning_content", "assistant", False, False),
        ('{"a":1}', "messages.tool_calls.function.arguments", "assistant", False, True),
        ("three", "messages.content.text", "tool", False, False),
        ("who", "metadata", "", True, False),
        ("four", "metadata.*", "", False, False),
    ]


def test_what_is_skipped_says_why() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}
    tree = {"model": "m", "messages": [{"role": "user", "content": [image]}], "logit_bias": {"17": 1}}
    skipped: list[Skipped] = []
    assert read(spelled(tree), tree, skipped) == []
    reasons = {s.place: s.reason for s in skipped if s.reason}
    assert reasons == {
        "model": NOT_READ["model"],
        "messages.role": NOT_READ["messages"]["role"],
        "messages.content.type": NOT_READ["messages"]["content"]["type"],
        "messages.content.image_url.url": NOT_READ["messages"]["content"]["image_url"]["url"],
        "messages.content.image_url.detail": NOT_READ["messages"]["content"]["type"],
        "logit_bias": NOT_READ["logit_bias"],
    }


def test_urls_that_carry_text_and_words_that_are_none_are_read() -> None:
    urls = ["https://a.example/?who=me", "data:text/plain,hello", "DATA:text/plain;base64,AAAA"]
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    tree = {
        "messages": [{"role": "call 13800138000", "content": parts}],
        "reasoning_effort": "me@example.org",
    }
    assert [t.value for t in found(tree)] == ["call 13800138000", *urls[:2], "me@example.org"]


def test_what_does_not_look_like_what_it_should_be_is_read() -> None:
    line = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
    parts = [
        {"type": "input_audio", "input_audio": {"data": "call 13800138000", "format": "wav"}},
        {"type": "file", "file": {"file_data": "data:text/plain;base64,call me", "file_id": "file 张三"}},
        {"type": "file", "file": {"file_data": f"{line}\n{line}\r\nAAAA==\n", "file_id": "file-1"}},
        {"type": "image_url", "image_url": {"url": "data:张三;base64,AAAA"}},
    ]
    tree = {
        "messages": [{"role": "tool", "tool_call_id": "call 张三", "content": parts}],
        "tools": [{"type": "function", "function": {"name": "call 13800138000"}}],
        "tool_choice": {"function": {"name": {"13800138000": "lilei"}}},
        "reasoning_effort": {"13800138000": "high"},
        "logit_bias": {"13800138000": 1, "1234567": {"who": "lilei"}},
    }
    assert [t.value for t in found(tree)] == [
        "call 张三",
        "call 13800138000",
        "data:text/plain;base64,call me",
        "file 张三",
        "data:张三;base64,AAAA",
        "call 13800138000",
        "13800138000",
        "lilei",
        "13800138000",
        "high",
        "13800138000",
        "who",
        "lilei",
    ]


def test_offsets_count_bytes_and_escapes() -> None:
    raw = b'a\\u5f20\xc3\xa9\\"\\ud83d\\ude00\xf0\x9f\x98\x80z'
    value = json.loads(b'"' + raw + b'"')
    assert value == 'a张é"😀😀z'
    assert offsets(raw, value, list(range(8))) == [0, 1, 7, 9, 11, 23, 27, 28]
    assert offsets(b"abc", "abc", [0, 3]) == [0, 3]


def test_many_offsets_in_one_text_read_it_once() -> None:
    value = "张" + "13812345678 " * 50_000
    raw = value.encode()
    places = list(range(1, len(value), 6))
    assert offsets(raw, value, places) == [place + 2 for place in places]


def test_texts_that_no_utf8_can_hold_are_escaped() -> None:
    assert string_inside('a"\ud83d张') == b'a\\"\\ud83d\xe5\xbc\xa0'
    assert edit(b"abc", [Edit(0, 1, b"x"), Edit(3, 3, b"y")]) == b"xbcy"
    assert edit(b"abc", []) == b"abc"


CONTENTS = st.dictionaries(
    st.sampled_from(["content", 'a","content', "content,", '"content', "x"]),
    st.recursive(
        st.text(st.sampled_from('a":,{}\\\n电'), max_size=8),
        lambda inner: st.one_of(
            st.lists(inner, max_size=2),
            st.dictionaries(st.sampled_from(["content", "role", 'b":"content']), inner, max_size=2),
        ),
        max_leaves=6,
    ),
    max_size=4,
)


@given(CONTENTS, st.booleans(), st.booleans())
def test_contents_are_those_that_reading_everything_finds(
    tree: dict[str, Any], ascii_only: bool, space: bool
) -> None:
    body = spelled(tree, ascii_only, space)
    whole = read(body, tree)
    for place in range(1, len(body) + 1):
        found = contents(body, [place])
        if found is not None:
            (text,) = found
            assert [text._replace(place=same.place) for same in whole if same.start == text.start] == [
                same._replace(role="") for same in whole if same.start == text.start
            ]
            assert text.start <= place <= text.end + 1


def test_contents_of_a_usual_request() -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"a\\"b\\n1"},{"role":"user","content":"\xe7\x94\xb5"}]}'
    one, two = body.index(b"a\\"), body.index(b"\xe7")
    found = contents(body, [two + 4, one + 1, one + 5, two + 3])
    assert found is not None
    assert [(text.value, text.start, text.end) for text in found] == [
        ('a"b\n1', one, one + 7),
        ("电", two, two + 3),
    ]
    assert contents(body, [body.index(b"user") + 2]) is None
    assert contents(b'{"content":"' + b'\\"' * 100 + b'1"}', [213]) is None
