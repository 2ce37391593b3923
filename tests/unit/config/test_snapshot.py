import msgspec
import pytest

from seekgate.config.snapshot import Deployment, Limits, Provider, Snapshot, Tls

EMPTY = Snapshot(
    number=1,
    digest="",
    listeners=(),
    admin=None,
    workers=1,
    limits=Limits(),
    providers={},
    deployments=(),
    models={},
)


def test_it_survives_its_encoding() -> None:
    assert msgspec.json.decode(msgspec.json.encode(EMPTY), type=Snapshot) == EMPTY


def test_it_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        EMPTY.workers = 2  # type: ignore[misc]


def test_a_provider_of_an_unknown_type_is_refused() -> None:
    raw = msgspec.json.encode({"name": "x", "type": "gopher", "scheme": "https", "host": "h", "port": 1})
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(raw, type=Provider)


def test_defaults_are_those_that_are_documented() -> None:
    assert Limits().body_bytes == 32 * 2**20
    assert Deployment("a", "b", "c").capabilities == ("chat",)
    assert Tls("c", "k").key == "k"
