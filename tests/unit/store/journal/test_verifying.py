"""The whole ledger: whatever is flipped, deleted, moved or missing is found, and where it is."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seekgate.store.journal import manifest, names, note, reading
from seekgate.store.journal.frame import encode
from seekgate.store.journal.keeping import keep
from seekgate.store.journal.manifest import Entry, Signer
from seekgate.store.journal.reading import Finding, Frame
from seekgate.store.journal.verifying import verify
from tests.fakes.clock import FakeClock
from tests.support.journals import QUIET, die, journal, paths, write


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with sealed segments of two writers and of notes, and unsealed ones."""
    home = tmp_path_factory.mktemp("kept")
    clock = FakeClock()
    for slot in ("w0", "w1"):
        made = journal(home, slot, clock=clock)
        for start in range(0, 40, 20):
            write(made, range(start, start + 20))
            made.rotate()
        write(made, range(40, 45), open_only=True)
        die(made)
    note(home, {"event": "key.created"})
    keep(home, QUIET, clock)
    clock.advance(60)
    made = journal(home, "w0", clock=clock)
    write(made, range(10))
    made.close()
    assert not verify(names.folder(home)).findings
    return home


@pytest.fixture
def home(kept: Path, tmp_path: Path) -> Path:
    """A copy that can be spoilt."""
    shutil.copytree(kept, tmp_path / "home")
    return tmp_path / "home"


def found(home: Path) -> list[Finding]:
    return verify(names.folder(home)).findings


def frames(data: bytes) -> list[Frame]:
    result = []
    frame = reading.frame_at(data, 0)
    while frame is not None:
        result.append(frame)
        frame = reading.frame_at(data, frame.end)
    return result


def rewrite(path: Path, data: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(data)


def test_what_was_checked(home: Path) -> None:
    report = verify(names.folder(home))
    assert (report.sealed, report.unsealed, report.retired, report.torn) == (6, 2, 0, 0)
    assert report.records == 210
    assert report.bytes == sum(path.stat().st_size for path in paths(home))
    assert report.head == manifest.read(names.folder(home))[-1].digest
    public = manifest.public_key(report.public_key)
    assert not verify(names.folder(home), public).findings


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_flipped_bit_is_found_and_located(kept: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(paths(kept)))
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[at] ^= 1 << data.draw(st.integers(0, 7))
    result = reading.scan(bytes(changed), path.name)
    (finding,) = result.findings
    frame = next(frame for frame in frames(whole) if frame.offset <= at < frame.end)
    assert frame.offset <= finding.offset < frame.end
    assert frame.first <= finding.record < frame.first + frame.count


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_record_deleted_moved_or_changed_with_its_checksums_made_good(
    kept: Path, data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(paths(kept)))
    whole = path.read_bytes()
    known = frames(whole)
    which = data.draw(st.integers(0, len(known) - 1))
    frame = known[which]
    kept_records = [raw for _, _, raw, _ in reading.records_of(whole, frame)]
    how = data.draw(st.sampled_from(["delete", "reorder", "change"]))
    at = data.draw(st.integers(0, len(kept_records) - 1))
    if how == "delete":
        del kept_records[at]
    elif how == "reorder" and len(kept_records) > 1:
        kept_records.insert(0, kept_records.pop(max(at, 1)))
    else:
        kept_records[at] = kept_records[at] + b" "
    before = known[which - 1].digest if which else bytes(32)
    forged, digest = encode(before, frame.first, kept_records)
    # The forger keeps the digest that the next frame is chained to, or makes one that fits.
    keeps = data.draw(st.booleans())
    forged = forged[:20] + frame.digest + forged[52:] if keeps else forged
    result = reading.scan(whole[: frame.offset] + _checked(forged) + whole[frame.end :], path.name)
    assert keeps or digest != frame.digest
    last = which == len(known) - 1
    if result.findings or not last:
        assert result.findings
        assert frame.offset <= result.findings[0].offset <= frame.offset + len(forged) + 1
    else:
        assert result.digest != frame.digest  # which the manifest, or the next segment, knows


def _checked(frame: bytes) -> bytes:
    """A frame whose head's checksum is right."""
    return frame[:52] + crc32(frame[:52]).to_bytes(4, "little") + frame[56:]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_frames_removed_moved_or_doubled(kept: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(paths(kept)))
    whole = path.read_bytes()
    known = frames(whole)
    parts = [whole[frame.offset : frame.end] for frame in known]
    order = data.draw(st.permutations(range(len(parts))))
    chosen = (
        order[: data.draw(st.integers(1, len(parts)))] if data.draw(st.booleans()) else [*order, order[0]]
    )
    if chosen == list(range(len(chosen))):
        return  # its end was cut off, which `test_a_cut_end` is about
    result = reading.scan(b"".join(parts[at] for at in chosen), path.name)
    first = next((n for n, at in enumerate(chosen) if n != at), len(chosen))
    where = sum(len(parts[at]) for at in chosen[:first])
    assert result.findings
    assert result.findings[0].offset == where


def test_a_missing_sealed_segment(home: Path) -> None:
    sealed = {line.entry.segment for line in manifest.read(names.folder(home)) if line.entry.segment}
    for path in paths(home):
        if path.name in sealed:
            data = path.read_bytes()
            path.unlink()
            assert Finding(path.name, "this sealed segment is missing") in found(home)
            path.write_bytes(data)


def test_a_missing_segment_that_was_not_sealed(home: Path) -> None:
    clock = FakeClock()
    clock.advance(120)
    made = journal(home, "w0", clock=clock)
    write(made, range(3))
    made.close()
    missing = paths(home)[-5]
    assert missing.name in {name for name in (path.name for path in paths(home)) if "-w0-" in name}
    missing.unlink()
    (finding,) = found(home)
    assert finding.segment == missing.name
    assert finding.what.startswith("this segment is missing: ")


def test_exchanged_segments(home: Path) -> None:
    first, second = paths(home)[1:3]
    one, two = first.read_bytes(), second.read_bytes()
    rewrite(first, two)
    rewrite(second, one)
    assert {finding.segment for finding in found(home)} == {first.name, second.name}


def test_a_cut_end(home: Path) -> None:
    for path in paths(home):
        sealed = path.stat().st_mode & 0o200 == 0
        whole = path.read_bytes()
        last = frames(whole)[-1]
        rewrite(path, whole[: last.offset])
        findings = found(home)
        if sealed:
            (finding,) = findings
            assert (finding.segment, finding.offset, finding.record) == (path.name, last.offset, last.first)
        rewrite(path, whole)
        if sealed:
            path.chmod(0o400)


def test_a_cut_end_that_the_next_segment_knows(tmp_path: Path) -> None:
    made = journal(tmp_path)
    write(made, range(10))
    made.rotate()
    made.close()
    first = paths(tmp_path)[0]
    whole = first.read_bytes()
    rewrite(first, whole[: frames(whole)[-1].offset])
    (finding,) = found(tmp_path)
    assert finding.segment == first.name
    assert finding.what.startswith("its end was cut or changed: ")


def test_bytes_behind_the_end(home: Path) -> None:
    path = paths(home)[1]
    whole = path.read_bytes()
    frame, _ = encode(frames(whole)[-1].digest, 99, [b"[1,99]"])
    rewrite(path, whole + frame)
    assert any("were added behind its sealed end" in finding.what for finding in found(home))


def test_a_segment_written_anew(home: Path) -> None:
    path = next(path for path in paths(home) if path.stat().st_mode & 0o200 == 0 and "-w1-" in path.name)
    whole = path.read_bytes()
    forged, digest = b"", bytes(32)
    for frame in frames(whole):
        raws = [raw.replace(b'"req_3"', b'"req_4"') for _, _, raw, _ in reading.records_of(whole, frame)]
        made, digest = encode(digest, frame.first, raws)
        forged += made
    rewrite(path, forged)
    findings = found(home)
    assert Finding(path.name, "this is not what was sealed: it was written anew", 0, 0) in findings


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda lines: [*lines[:2], *lines[3:]], "follows where entry 2 should"),
        (lambda lines: lines[1:], "its beginning is missing"),
        (lambda lines: [lines[0].replace(b'"key"', b'"kex"'), *lines[1:]], "not a line of a manifest"),
        (lambda lines: [*lines[:3], lines[3].replace(b'"records":', b'"recordz":'), *lines[4:]], "signature"),
        (lambda lines: [*lines[:-1], lines[-1][:-1]], "its last line has no end"),
    ],
)
def test_a_spoilt_manifest(home: Path, spoil: Callable[[list[bytes]], list[bytes]], said: str) -> None:
    path = names.folder(home) / "manifest"
    path.write_bytes(b"".join(spoil(path.read_bytes().splitlines(keepends=True))))
    assert any(said in str(finding) for finding in found(home))


def test_exported_heads_show_a_manifest_that_was_cut(home: Path) -> None:
    folder = names.folder(home)
    lines = manifest.read(folder)
    heads = {line.entry.number: line.digest for line in lines}
    assert not verify(folder, heads=heads).findings
    raw = (folder / "manifest").read_bytes().splitlines(keepends=True)
    (folder / "manifest").write_bytes(b"".join(raw[:-1]))
    (folder / lines[-1].entry.segment).unlink()  # so that nothing else shows it
    findings = verify(folder, heads=heads).findings
    assert [f.what for f in findings if f.segment == "manifest"] == [
        f"entry 6 is missing whose digest was exported: {lines[-1].digest}"
    ]


def test_exported_heads_show_a_manifest_that_was_written_anew(home: Path) -> None:
    folder = names.folder(home)
    heads = {line.entry.number: line.digest for line in manifest.read(folder)}
    (folder / "manifest").unlink()
    signer = Signer(home, folder)
    signer.append(Entry(0, "retired", 0.0, "", segment="x"), 1.0)
    assert any(
        "is not the one whose digest" in finding.what for finding in verify(folder, heads=heads).findings
    )


def test_a_segment_that_cannot_be_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = paths(home)[1].name
    load = reading.load

    def fail(path: Path) -> reading.Bytes:
        if path.name == broken:
            raise OSError(5, "Input/output error")
        return load(path)

    monkeypatch.setattr(reading, "load", fail)
    assert Finding(broken, "cannot be read: Input/output error") in found(home)


def test_no_journal_is_no_fault(tmp_path: Path) -> None:
    report = verify(tmp_path)
    assert (report.findings, report.head) == ([], "")
