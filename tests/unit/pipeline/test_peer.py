"""What is said of a certificate's holder."""

from __future__ import annotations

import gc

import pytest

from seekgate.pipeline.peer import Peer, spiffe_id


def test_a_peer_is_not_tracked_and_never_changes() -> None:
    peer = Peer(common_name="team-a")
    assert not gc.is_tracked(peer)
    with pytest.raises(AttributeError):
        peer.common_name = "team-b"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("uris", "expected"),
    [
        ((), ""),
        (("https://a.example",), ""),
        (("https://a.example", "spiffe://td/ns/a/sa/b"), "spiffe://td/ns/a/sa/b"),
        (("spiffe://td/a", "spiffe://td/b"), ""),
    ],
)
def test_one_spiffe_id_or_none(uris: tuple[str, ...], expected: str) -> None:
    assert spiffe_id(uris) == expected
