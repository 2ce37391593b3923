"""Decode fills the Exchange, or refuses. `tests/unit/wire/test_envelope.py` has the bodies."""

from __future__ import annotations

import pytest

from seekgate.pipeline.exchange import Endpoint
from seekgate.pipeline.stage import Reply
from seekgate.stages.decode.stage import Decode
from tests.support.scene_exchange import exchange


def test_what_is_read() -> None:
    x = exchange(b'{"model":"m","stream":true,"stream_options":{"include_usage":true}}')
    assert Decode().on_request(x) is None
    assert (x.model, x.stream, x.asked_usage) == ("m", True, True)
    assert x.tree["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("body", [b'{"model":"m"}', b'{"model":"m","stream_options":null}'])
def test_usage_that_nobody_asked_for(body: bytes) -> None:
    x = exchange(body)
    assert Decode().on_request(x) is None
    assert (x.stream, x.asked_usage) == (False, False)


@pytest.mark.parametrize("encoding", [b"gzip", b"identity, gzip", b"", b"br"])
def test_encodings(encoding: bytes) -> None:
    verdict = Decode().on_request(exchange(b'{"model":"m"}', {b"content-encoding": encoding}))
    assert isinstance(verdict, Reply)
    assert verdict.error is not None
    assert verdict.error.status == 415


@pytest.mark.parametrize("encoding", [b"identity", b"Identity"])
def test_no_encoding_by_another_name(encoding: bytes) -> None:
    assert Decode().on_request(exchange(b'{"model":"m"}', {b"content-encoding": encoding})) is None


def test_a_refusal_names_the_place() -> None:
    verdict = Decode().on_request(exchange(b'{"model":5}'))
    assert isinstance(verdict, Reply)
    assert (verdict.error is not None, verdict.param) == (True, "model")


def test_the_list_of_models_has_no_body() -> None:
    assert Decode().on_request(exchange(b"", endpoint=Endpoint("models", "/models"))) is None
