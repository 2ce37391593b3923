"""The signed list of segments."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from seekgate.store.journal import manifest
from seekgate.store.journal.manifest import Entry, ManifestError, Signer


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    (tmp_path / "journal").mkdir()
    made = Signer(tmp_path, tmp_path / "journal")
    for number in range(3):
        made.append(Entry(0, "sealed", 0.0, "", segment=f"s{number}", digest="d", size=1, records=1), 5.0)
    return made


def wrong(journal: Path) -> list[tuple[int, str]]:
    return manifest.check(manifest.read(journal))[0]


def rewrite(journal: Path, lines: list[bytes]) -> None:
    (journal / "manifest").write_bytes(b"".join(lines))


def test_a_manifest_checks(tmp_path: Path, signer: Signer) -> None:
    journal = tmp_path / "journal"
    lines = manifest.read(journal)
    assert [line.entry.number for line in lines] == [0, 1, 2, 3]
    assert [line.entry.kind for line in lines] == ["key", "sealed", "sealed", "sealed"]
    assert lines[2].entry.before == lines[1].digest
    assert [line.digest for line in lines] == [line.digest for line in signer.lines]
    found, public = manifest.check(lines)
    assert not found
    assert public == (tmp_path / "secrets" / "audit-signing.pub").read_text().strip()
    assert not manifest.check(lines, manifest.public_key(public))[0]
    assert manifest.check([]) == ([], "")


def test_the_key_is_made_once_and_private(tmp_path: Path, signer: Signer) -> None:
    path = tmp_path / "secrets" / "audit-signing"
    text = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    again = Signer(tmp_path, tmp_path / "journal")
    assert path.read_text() == text
    assert len(again.lines) == 4
    path.write_text("not a key")
    with pytest.raises(ValueError, match="does not hold an Ed25519 key"):
        Signer(tmp_path, tmp_path / "journal")


def test_a_changed_line(tmp_path: Path, signer: Signer) -> None:
    journal = tmp_path / "journal"
    lines = (journal / "manifest").read_bytes().splitlines(keepends=True)
    rewrite(journal, [*lines[:2], lines[2].replace(b'"s1"', b'"s9"'), lines[3]])
    assert [line for line, _ in wrong(journal)] == [3, 4]
    assert wrong(journal)[0][1] == "the signature is wrong"


def test_a_missing_line(tmp_path: Path, signer: Signer) -> None:
    journal = tmp_path / "journal"
    lines = (journal / "manifest").read_bytes().splitlines(keepends=True)
    rewrite(journal, [*lines[:2], lines[3]])
    assert wrong(journal) == [(3, "entry 3 follows where entry 2 should: one was removed, moved or changed")]
    rewrite(journal, lines[1:])
    assert wrong(journal)[0] == (1, "the manifest does not begin with its key: its beginning is missing")
    rewrite(journal, [lines[0], lines[2], lines[1], lines[3]])
    assert len(wrong(journal)) == 3


def test_another_key(tmp_path: Path, signer: Signer) -> None:
    (tmp_path / "other").mkdir()
    other = Signer(tmp_path / "other", tmp_path / "other")
    key = manifest.public_key(other.lines[0].entry.public_key)
    found, _ = manifest.check(manifest.read(tmp_path / "journal"), key)
    assert [what for _, what in found] == ["the signature is wrong"] * 4


def test_half_a_line_is_cut_by_the_next_signer(tmp_path: Path, signer: Signer) -> None:
    journal = tmp_path / "journal"
    with (journal / "manifest").open("ab") as file:
        file.write(b'{"number":4,"ki')
    assert len(manifest.read(journal)) == 4
    Signer(tmp_path, journal).append(Entry(0, "retired", 0.0, "", segment="s0"), 6.0)
    assert not wrong(journal)
    assert len(manifest.read(journal)) == 5


@pytest.mark.parametrize("line", [b"x\n", b"{}\tAA==\n", b'{"number":"x"}\t\n'])
def test_what_is_no_line(tmp_path: Path, signer: Signer, line: bytes) -> None:
    journal = tmp_path / "journal"
    with (journal / "manifest").open("ab") as file:
        file.write(line)
    with pytest.raises(ManifestError, match="manifest, line 5: not a line of a manifest"):
        manifest.read(journal)
    assert len(manifest.sound(journal)) == 4


def test_any_flipped_bit_shows(tmp_path: Path, signer: Signer) -> None:
    path = tmp_path / "journal" / "manifest"
    whole = path.read_bytes()
    assert not manifest.unfinished(tmp_path / "journal")
    last = whole.rindex(b"\n", 0, -1)
    for at in (*range(0, last, 7), *range(last, len(whole))):
        changed = bytearray(whole)
        changed[at] ^= 1 << at % 8
        path.write_bytes(changed)
        try:
            shown = bool(wrong(tmp_path / "journal")) or manifest.unfinished(tmp_path / "journal")
        except ManifestError:
            shown = True
        assert shown, f"byte {at}"


def test_what_cannot_be_written_leaves_nothing(
    tmp_path: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError("broken")

    before = (tmp_path / "journal" / "manifest").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="broken"):
            signer.append(Entry(0, "retired", 0.0, "", segment="s0"), 6.0)
    assert (tmp_path / "journal" / "manifest").read_bytes() == before
    assert len(signer.lines) == 4


def test_a_damaged_public_key(tmp_path: Path, signer: Signer) -> None:
    journal = tmp_path / "journal"
    data = (journal / "manifest").read_bytes()
    public = signer.lines[0].entry.public_key
    (journal / "manifest").write_bytes(data.replace(public.encode(), b"zz"))
    assert (1, "the public key is damaged: give it with --public-key") in wrong(journal)
