"""The whole ledger checked: every segment, the manifest, and that none is missing.

A sealed segment must be what the manifest says. A segment that is not sealed yet is checked in itself; what a killed
writer left unfinished at its end, or a living one is writing, is no fault. That the newest records of an unsealed
segment were cut off whole cannot be seen in it: only sealing, and exported heads, end that.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from seekgate.store.journal import manifest, names, reading
from seekgate.store.journal.manifest import Entry, Line, ManifestError
from seekgate.store.journal.names import SegmentName
from seekgate.store.journal.reading import Finding, Scan

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Report(msgspec.Struct):
    """What was checked. ``findings`` empty: everything is as it was written."""

    sealed: int = 0
    unsealed: int = 0
    retired: int = 0
    records: int = 0
    bytes: int = 0
    torn: int = 0
    head: str = ""
    public_key: str = ""
    findings: list[Finding] = []


def verify(
    journal: Path,
    key: Ed25519PublicKey | None = None,
    heads: Mapping[int, str] | None = None,
) -> Report:
    """Check a journal. ``key`` is the public key to believe (None: the manifest's own), ``heads`` are digests of the
    manifest's lines by number, as they were exported. Raise `OSError` when it cannot be read."""
    report = Report(findings=[])
    lines = _manifest(report, journal, key, heads or {})
    sealed = {line.entry.segment: line.entry for line in lines if line.entry.kind == "sealed"}
    retired = {line.entry.segment for line in lines if line.entry.kind == "retired"}
    report.retired = len(retired)
    present = names.segments(journal)
    for lost in sealed.keys() - retired - {str(each) for each in present}:
        report.findings.append(Finding(lost, "this sealed segment is missing"))
    scans: dict[SegmentName, Scan] = {}
    for name in present:
        try:
            scans[name] = found = reading.scan(reading.load(journal / str(name)), str(name))
        except OSError as error:
            report.findings.append(Finding(str(name), f"cannot be read: {error.strerror}"))
            continue
        report.records += found.records
        report.bytes += found.size
        report.findings += found.findings
        _compare(report, found, sealed.get(str(name)))
    _links(report, scans, sealed, retired)
    report.findings.sort(key=lambda each: (each.segment, each.offset))
    return report


def _manifest(
    report: Report, journal: Path, key: Ed25519PublicKey | None, heads: Mapping[int, str]
) -> list[Line]:
    try:
        lines = manifest.read(journal)
    except ManifestError as error:
        report.findings.append(Finding(names.MANIFEST, str(error)))
        lines = manifest.sound(journal)
    if manifest.unfinished(journal):
        what = "its last line has no end; the next sealing repairs that"
        report.findings.append(Finding(names.MANIFEST, what))
    wrong, report.public_key = manifest.check(lines, key)
    report.findings += [Finding(names.MANIFEST, f"line {line}: {what}") for line, what in wrong]
    report.head = lines[-1].digest if lines else ""
    found = {line.entry.number: line.digest for line in lines}
    for number, digest in sorted(heads.items()):
        if found.get(number) != digest:
            what = "is missing" if number not in found else "is not the one"
            report.findings.append(
                Finding(names.MANIFEST, f"entry {number} {what} whose digest was exported: {digest}")
            )
    return lines


def _compare(report: Report, found: Scan, entry: Entry | None) -> None:
    """A sealed segment must be as long, have as many records, and end with the digest that was signed."""
    if entry is None:
        report.unsealed += 1
        report.torn += found.size - found.end
        return
    report.sealed += 1
    what, at, record = "", found.end, found.records
    if found.size > entry.size:
        what, at, record = (
            f"{found.size - entry.size} bytes were added behind its sealed end",
            entry.size,
            entry.records,
        )
    elif len(found.findings) < entry.findings:
        what = "it was damaged at its end when it was sealed; what was cut off there is kept beside it"
    elif not found.findings and found.end < entry.size:
        what = f"its end is missing: {entry.records - found.records} records"
    elif not found.findings and found.digest.hex() != entry.digest:
        what, at, record = "this is not what was sealed: it was written anew", 0, 0
    if what:
        report.findings.append(Finding(found.segment, what, at, record))


def _links(
    report: Report, scans: Mapping[SegmentName, Scan], sealed: Mapping[str, Entry], retired: set[str]
) -> None:
    """What a segment says of the one before it."""
    known = {str(name): found for name, found in scans.items()}
    for name, found in scans.items():
        header = found.header or {}
        before = header.get("after")
        if not isinstance(before, str):
            if name.sequence:
                report.findings.append(Finding(str(name), "does not say which segment came before it", 0, 0))
            continue
        if before not in known:
            if before not in retired and before not in sealed:
                report.findings.append(Finding(before, f"this segment is missing: {name} came after it"))
            continue
        digest, other = header.get("digest"), known[before]
        if isinstance(digest, str) and digest != other.digest.hex() and not other.findings:
            missing = header.get("records")
            what = f"its end was cut or changed: {name} knows {missing} records of it"
            if before not in sealed:
                report.findings.append(Finding(before, what, other.end, other.records))
