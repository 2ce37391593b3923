"""Answers on their way back: any cutting of any stream gives the same texts, and nothing else changes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seekgate.stages.privacy.answer import Answer, Channel
from seekgate.stages.privacy.restore import MAX_HELD, Restorer
from seekgate.stages.privacy.window import Scanning
from tests.support import privacy as made

VAULT = made.vault()
TOKENS = made.tokens(VAULT)
MOBILE, EMAIL, SECRET, NAME = TOKENS


def answer(json_mode: bool = False) -> Answer:
    return Answer(VAULT, json_mode, None)


def restored(key: made.Key, text: str) -> str:
    restorer = Restorer(VAULT, nested=key[1] == "arguments")
    return restorer.feed(text) + restorer.flush()


@settings(max_examples=150)
@given(st.data())
def test_any_cutting_of_any_stream_gives_what_the_whole_text_gives(data: st.DataObject) -> None:
    runs = data.draw(made.conversations(TOKENS))
    events = data.draw(made.streams(runs))
    chunks = data.draw(made.chunked(events))
    expected = {run.key: restored(run.key, run.text) for run in runs}
    stream = made.play(answer(), chunks)
    assert made.texts_of(stream) == expected
    assert made.texts_of_body(answer().body(made.unary(runs))) == expected
    for key, text in expected.items():
        if key[1] == "arguments":
            json.loads(text)
    comments = [block for block in stream.split(b"\n\n") if block.startswith(b":")]
    assert len(comments) == b"".join(chunks).count(b": keep-alive\n\n")


@given(st.data())
def test_what_is_held_back_is_bounded(data: st.DataObject) -> None:
    run = made.Spoken((0, "content", -1), data.draw(made.said(TOKENS)))
    playing = answer()
    sent = 0
    for told, piece in enumerate(run.text, 1):
        out = playing.events(made.event([made.delta(run.key, piece)]))
        sent = len(made.texts_of(out).get(run.key, "")) + sent
        assert told - sent < MAX_HELD + 64, "more is held back than a token can be long"
    held = [channel for channel in playing._channels.values() if channel.held]
    assert all(len(channel.flush()) < MAX_HELD for channel in held)


@pytest.mark.parametrize("alteration", sorted(made.ALTERATIONS))
@pytest.mark.parametrize("token", TOKENS)
def test_altered_tokens_are_restored(alteration: str, token: str) -> None:
    (value,) = (v for v, t in zip(made.VALUES.values(), TOKENS, strict=True) if t == token)
    text = f"see {made.ALTERATIONS[alteration](token)}, please"
    assert value in restored((0, "content", -1), text)


def play(*choices: dict[str, Any] | bytes) -> list[bytes]:
    playing = answer()
    return [playing.events(c if isinstance(c, bytes) else made.event([c])) for c in choices] + [
        playing.last()
    ]


def test_an_event_without_a_token_passes_as_the_same_object() -> None:
    playing = answer()
    for text in ("Hello", " world", " 张三", "\\n"):
        one = made.event([made.delta((0, "content", -1), text)])
        assert playing.events(one) is one
    several = b"".join(made.event([made.delta((0, "content", -1), text)]) for text in ("Hel", "lo", "!"))
    assert playing.events(several) is several
    odd = b": c\n\n\n\n" + several.replace(b"\n\n", b"\n\n\n")[:-1]
    assert playing.events(odd) == odd


def test_a_token_over_three_events() -> None:
    key = (0, "content", -1)
    sent = play(*(made.delta(key, text) for text in ("call " + MOBILE[:3], MOBILE[3:9], MOBILE[9:] + " now")))
    expected = [made.event([made.delta(key, text)]) for text in ("call ", "", "13812345678 now")]
    assert sent == [*expected, b""]


def test_held_text_goes_out_with_the_finish_reason_before_done_and_at_the_end() -> None:
    key = (0, "content", -1)
    held = made.delta(key, "stop")
    finish = {"index": 0, "delta": {}, "finish_reason": "stop"}
    own = made.event([{"index": 0, "delta": {"content": "p"}, "finish_reason": None}])
    sto = made.event([made.delta(key, "sto")])
    assert play(held, finish) == [sto, own + made.event([finish]), b""]
    assert play(held, b"data: [DONE]\n\n") == [sto, own + b"data: [DONE]\n\n", b""]
    assert play(held, b'data: {"error":{}}\n\n') == [sto, own + b'data: {"error":{}}\n\n', b""]
    assert play(held) == [sto, own]
    last = {**made.delta(key, "help"), "finish_reason": "length"}
    assert play(held, last) == [sto, made.event([{**last, "delta": {"content": "phelp"}}]), b""]


def test_a_text_ends_where_its_choice_goes_on_in_another() -> None:
    thought = made.delta((0, "reasoning_content", -1), "next step")
    sent = play(thought, made.delta((0, "content", -1), "So"))
    assert sent[1] == made.event([made.delta((0, "reasoning_content", -1), "p")]) + made.event(
        [made.delta((0, "content", -1), "So")]
    )
    calls = play(made.delta((0, "arguments", 0), '{"a":"p'), made.delta((0, "arguments", 1), "{}"))
    assert calls[1].startswith(made.event([made.delta((0, "arguments", 0), "p")]))


def test_choices_do_not_mix() -> None:
    pieces = []
    for at in range(len(MOBILE)):
        pieces += [made.delta((choice, "content", -1), MOBILE[at]) for choice in (0, 1)]
    stream = b"".join(play(*pieces))
    assert made.texts_of(stream) == {(0, "content", -1): "13812345678", (1, "content", -1): "13812345678"}


def test_values_are_escaped_as_deep_as_they_stand() -> None:
    arguments = json.dumps({"p": f"x {SECRET}"})
    stream = b"".join(play(*(made.delta((0, "arguments", 0), c) for c in arguments)))
    (text,) = made.texts_of(stream).values()
    assert json.loads(text) == {"p": f"x {made.VALUES['SECRET']}"}
    playing = answer(json_mode=True)
    events = [made.event([made.delta((0, "content", -1), c)]) for c in arguments]
    (text,) = made.texts_of(made.play(playing, events)).values()
    assert json.loads(text) == {"p": f"x {made.VALUES['SECRET']}"}


def test_other_spellings_of_events() -> None:
    token = made.compact({"choices": [{"index": 0, "delta": {"content": MOBILE}}]})
    value = token.replace(MOBILE.encode(), b"13812345678")
    for before, after in (
        (b"data:", b"\n\n"),
        (b"id: 7\nevent: message\ndata: ", b"\r\n\r\n"),
        (b"\xef\xbb\xbfdata: ", b"\n\n"),
        (b"data: ", b"\r\r"),
    ):
        assert answer().events(before + token + after) == before + value + after
    split = token.replace(b",", b",\ndata: ")
    if b"\ndata" in split:
        (out,) = made.texts_of(answer().events(b"data: " + split + b"\n\n")).values()
        assert out == "13812345678"
    assert answer().events(b"data: x\n\n: c\n\nretry: 3\n\n") == b"data: x\n\n: c\n\nretry: 3\n\n"
    assert answer().events(b": keep-alive\n") == b": keep-alive\n"
    assert answer().events(b"data: {\n\ndata: [DONE]\n\nrest") == b"data: {\n\ndata: [DONE]\n\nrest"


def test_half_a_surrogate_pair_passes_and_what_was_held_comes_before() -> None:
    def raw(text: bytes) -> bytes:
        return b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % text

    playing = answer()
    assert playing.events(raw(b"help")) == raw(b"hel")
    own, half = playing.events(raw(b"\\ud83d")).split(b"\n\n")[:2]
    assert json.loads(own[6:])["choices"][0]["delta"] == {"content": "p"}
    assert half + b"\n\n" == raw(b"\\ud83d")
    assert playing.events(raw(b"\\ude00")) == raw(b"\\ude00")


def test_bytes_that_are_no_utf_8_pass() -> None:
    def raw(text: bytes) -> bytes:
        return b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % text

    playing = answer()
    assert playing.events(raw(b"a")) == raw(b"a")
    assert playing.events(raw(b"\xe5\xbc")) == raw(b"\xe5\xbc")
    assert playing.events(raw(b"help")) == raw(b"hel")
    own, half = playing.events(raw(b"\xa0")).split(b"\n\n")[:2]
    assert json.loads(own[6:])["choices"][0]["delta"] == {"content": "p"}
    assert half + b"\n\n" == raw(b"\xa0")
    assert playing.events(raw(b"!")) == raw(b"!")


def test_two_texts_in_one_event_and_content_in_parts() -> None:
    both = {"index": 0, "delta": {"reasoning_content": f"a {NAME} p", "content": f"b {EMAIL}"}}
    stream = b"".join(play(both))
    assert made.texts_of(stream) == {
        (0, "reasoning_content", -1): "a 张三 p",
        (0, "content", -1): "b li@example.org",
    }
    parts = [{"type": "text", "text": text} for text in (MOBILE, "and", EMAIL)]
    body = made.compact({"choices": [{"message": {"content": parts}}]})
    said = json.loads(answer().body(body))["choices"][0]["message"]["content"]
    assert [part["text"] for part in said] == ["13812345678", "and", "li@example.org"]


def test_what_is_no_answer_passes() -> None:
    for body in (b"", b"not json", b'{"error":{"message":"no"}}', b'{"choices":[]}'):
        assert answer().body(body) is body


def test_completions_have_text_and_old_calls_arguments() -> None:
    body = made.compact({"choices": [{"text": MOBILE, "index": 0}]})
    assert json.loads(answer().body(body))["choices"][0]["text"] == "13812345678"
    playing = answer()
    playing.events(b'data: {"choices":[{"index":0,"text":"help"}]}\n\n')
    assert b'"text":"p"' in playing.last()
    playing.events(b'data: {"choices":[{"index":0,"delta":{"function_call":{"arguments":"p"}}}]}\n\n')
    assert b'"function_call":{"arguments":"p"}' in playing.last()


@pytest.mark.parametrize(("action", "told"), [("mask", False), ("block", False), ("report", True)])
def test_log_probabilities_do_not_tell_what_is_masked(action: str, told: bool) -> None:
    key = (0, "content", -1)

    def said(text: str) -> dict[str, Any]:
        return {**made.delta(key, text), "logprobs": {"content": [{"token": text, "logprob": -1.0}]}}

    playing = Answer(VAULT, False, Scanning(lambda text: [], {"CN_MOBILE": action}, 32))
    texts = ["my number", ", ", ", ", "138", "138"]
    stream = made.play(playing, [made.event([said(text)]) for text in texts])
    assert made.texts_of(stream) == {key: "".join(texts)}
    body = playing.body(made.compact({"choices": [{**said(""), "message": {"content": "my number"}}]}))
    assert [b'"token"' in data for data in (stream, body)] == [told, told]
    assert json.loads(body)["choices"][0]["message"]["content"] == "my number"


def test_nothing_is_shown_of_what_is_kept() -> None:
    assert "138" not in repr(answer()) + repr(VAULT) + repr(
        Channel((0, "content", -1), Restorer(VAULT), None)
    )
