"""Content in the ledger."""

from __future__ import annotations

import base64

import pytest

from seekgate.stages.audit.sealing import SealError, content_key, opened, sealer

KEY = bytes(range(32))


def test_a_key_in_hex_or_base64() -> None:
    assert content_key(KEY.hex()) == KEY
    assert content_key(base64.b64encode(KEY).decode()) == KEY


@pytest.mark.parametrize("text", ["", "short", "zz" * 32, base64.b64encode(bytes(31)).decode(), "a" * 63])
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(SealError, match="not a key of 32 bytes") as caught:
        content_key(text)
    assert not text or text not in str(caught.value)


def test_there_and_back() -> None:
    seal = sealer(KEY, "k:1")
    text = seal("内容".encode(), b"req_1")
    assert text.startswith("k:1:")
    assert text != seal("内容".encode(), b"req_1")
    assert opened(text, b"req_1", {"k:1": KEY}).decode() == "内容"
    with pytest.raises(SealError, match="changed, or this is not its key"):
        opened(text, b"req_2", {"k:1": KEY})
    with pytest.raises(SealError, match="changed, or this is not its key"):
        opened(text, b"req_1", {"k:1": bytes(32)})
    with pytest.raises(SealError, match="no key is called k:1"):
        opened(text, b"req_1", {})
