"""Findings are replaced at their bytes; nobody brings a token with them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seekgate.stages.privacy.detect import Span
from seekgate.stages.privacy.restore import Restorer, look_alikes
from seekgate.stages.privacy.substitute import MAX_LOOK_ALIKES, Finding, substitute, suspects
from seekgate.stages.privacy.tokens import LOOK_ALIKE, Mint, Vault
from seekgate.wire.texts import Text, read
from tests.support import privacy as made

PATTERN = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)|[a-z]+@[a-z.]+")
MASK = {"CN_MOBILE": "mask", "EMAIL": "mask"}
TOKEN = {"CN_MOBILE": "token", "EMAIL": "token"}


def scan(text: str) -> list[Span]:
    return [Span(m.start(), m.end(), "EMAIL" if "@" in m[0] else "CN_MOBILE") for m in PATTERN.finditer(text)]


def replaced(tree: Any, actions: dict[str, str], vault: Vault, ascii_only: bool = False) -> Any:
    body = json.dumps(tree, ensure_ascii=ascii_only).encode()
    findings: list[Finding] = []
    others: list[Text] = []
    for text in read(body, tree):
        spans = scan(text.value)
        if spans:
            findings.append(Finding(text, spans))
        else:
            others.append(text)
    after = substitute(body, findings, actions, vault, lambda _: others)
    assert after is not None
    if not findings:
        assert after is body
    return json.loads(after)


def fresh(numbering: Any = "hash") -> Vault:
    return Mint(b"k" * 32, numbering).vault("acme")


def restored(vault: Vault, text: str, nested: bool = False) -> str:
    restorer = Restorer(vault, nested)
    return restorer.feed(text) + restorer.flush()


def message(content: str) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": content}]}


def content_of(tree: Any) -> str:
    content: str = tree["messages"][0]["content"]
    return content


def test_masks_and_tokens() -> None:
    text = '张三 "13812345678"\nli@example.org, 13812345678'
    masked = replaced(message(text), MASK, fresh(), ascii_only=True)
    assert content_of(masked).startswith('张三 "138****5678"\nl***@')
    vault = fresh()
    tokens = content_of(replaced(message(text), TOKEN, vault))
    first = vault.issue("CN_MOBILE", "13812345678")
    assert tokens == f'张三 "{first}"\n{vault.issue("EMAIL", "li@example.org")}, {first}'
    assert restored(vault, tokens) == text
    assert replaced(message(text), dict.fromkeys(TOKEN, "report"), fresh()) == message(text)
    assert replaced(message(text), dict.fromkeys(TOKEN, "private"), fresh()) == message(text)


def test_keys_are_replaced_too() -> None:
    tree = {"metadata": {"13812345678": "li@example.org"}}
    vault = fresh()
    ((key, value),) = replaced(tree, TOKEN, vault)["metadata"].items()
    assert restored(vault, f"{key} {value}") == "13812345678 li@example.org"


def test_arguments_stay_json_text() -> None:
    arguments = json.dumps(
        {"phone": 13812345678, "note": 'say "13812345678", 13812345678', "list": [1, 13812345678]}
    )
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    tree = {"messages": [{"role": "assistant", "tool_calls": [call]}]}
    for actions in (MASK, TOKEN):
        vault = fresh()
        out = replaced(tree, actions, vault)["messages"][0]["tool_calls"][0]["function"]["arguments"]
        said = json.loads(out)
        assert "13812345678" not in out
        if actions is TOKEN:
            token = vault.issue("CN_MOBILE", "13812345678")
            assert said == {"phone": token, "note": f'say "{token}", {token}', "list": [1, token]}
            assert json.loads(restored(vault, out, nested=True))["note"] == 'say "13812345678", 13812345678'


def test_a_value_in_arguments_is_what_the_json_says() -> None:
    arguments = '{"who":"l\\u0069@example.org"}'
    tree = {"messages": [{"tool_calls": [{"function": {"arguments": arguments}}]}]}
    body = json.dumps(tree).encode()
    (text,) = read(body, tree)
    vault = fresh()
    at = arguments.index("l\\u")
    substitute(body, [Finding(text, [Span(at, len(arguments) - 2, "EMAIL")])], TOKEN, vault)
    assert list(vault.values.values()) == ["li@example.org"]


def test_equal_history_has_equal_tokens() -> None:
    turns = [f"turn {i}: 1381234567{i}" for i in range(5)]
    whole = [content_of(replaced(message(text), TOKEN, fresh())) for text in turns]
    tree = {"messages": [{"role": "user", "content": text} for text in turns[2:]]}
    cut = [entry["content"] for entry in replaced(tree, TOKEN, fresh())["messages"]]
    assert cut == whole[2:]


def test_look_alikes_are_escaped_and_come_back_as_they_were() -> None:
    for numbering in ("hash", "conversation"):
        vault = fresh(numbering)
        stolen = fresh(numbering).issue("CN_MOBILE", "13812345678")
        text = f"call 13812345678, not {stolen.lower()} or {stolen.replace('_', ' ')}"
        out = content_of(replaced(message(text), TOKEN, vault))
        assert stolen.lower() not in out
        assert out.count(stolen) == 1
        assert restored(vault, out) == text


def test_tokens_in_other_texts_are_escaped_too_and_without_tokens_nothing_is() -> None:
    stolen = fresh().issue("CN_MOBILE", "13812345678")
    tree = {"messages": [{"content": "13812345678"}, {"content": f"repeat {stolen}"}]}
    vault = fresh()
    first, second = (entry["content"] for entry in replaced(tree, TOKEN, vault)["messages"])
    assert first == stolen
    assert stolen not in second
    assert restored(vault, second) == f"repeat {stolen}"
    assert replaced(tree, MASK, fresh())["messages"][1]["content"] == f"repeat {stolen}"


def test_a_look_alike_of_an_escape_is_escaped() -> None:
    for numbering in ("hash", "conversation"):
        first = fresh(numbering).issue("CN_MOBILE", "13812345678")
        second = fresh(numbering).issue(LOOK_ALIKE, first)
        text = f"13812345678 {first} {second} pii-text-a01"
        vault = fresh(numbering)
        out = content_of(replaced(message(text), TOKEN, vault))
        assert restored(vault, out) == text
        assert out.split(" ")[:2] == [first, second]
        assert out.count(first) == out.count(second) == 1


def test_escaping_ends_whatever_is_brought(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Vault, "_hash", lambda self, type, value, attempt: f"b{len(self):05d}")
    text = "13812345678 PII_CN_MOBILE_b00000 " + " ".join(f"PII_TEXT_b{number:05d}" for number in range(200))
    vault = fresh()
    replaced(message(text), TOKEN, vault)
    assert len(vault) < 10


@given(
    st.lists(
        st.sampled_from(
            [
                "13812345678",
                "13912345678",
                "li@example.org",
                " ",
                "PII_CN_MOBILE_A01",
                "pii text a01",
                "PII_EMAIL_A01",
            ]
        ),
        max_size=12,
    ),
    st.sampled_from(["hash", "conversation"]),
)
def test_what_is_sent_comes_back_as_it_was(words: list[str], numbering: str) -> None:
    text = " ".join(words)
    vault = fresh(numbering)
    out = content_of(replaced(message(text), TOKEN, vault))
    assert restored(vault, out) == text
    issued = set(made.tokens(vault))
    assert all(out[start:end] in issued for start, end in look_alikes(vault, out, 0, len(out)))


@given(st.lists(st.sampled_from(["x", "13812345678", "li@example.org", "", '"', "张"]), max_size=60))
def test_the_search_is_halved_and_misses_nothing(values: list[str]) -> None:
    tree = {"input": values}
    body = json.dumps(tree).encode()
    strings = read(body, tree)
    looks: list[int] = []

    def may_hold(data: bytes) -> bool:
        looks.append(len(data))
        return bool(PATTERN.search(data.decode()))

    groups = list(suspects(strings, body, may_hold))
    assert [text for _, group in groups for text in group] == strings
    assert not any(scan(text.value) for suspect, group in groups if not suspect for text in group)
    if not any(map(scan, values)):
        assert len(looks) <= 1


def test_too_many_words_that_could_be_look_alikes() -> None:
    tree = message("13812345678 " + "pii " * (MAX_LOOK_ALIKES + 1))
    body = json.dumps(tree).encode()
    (text,) = read(body, tree)
    found = [Finding(text, scan(text.value))]
    assert substitute(body, found, TOKEN, fresh()) is None
    assert substitute(body, found, MASK, fresh()) is not None
