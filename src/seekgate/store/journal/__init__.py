"""The journal: what happened, append-only, hash-chained, one segment per writer at a time.

A worker collects records with `Journal.append` and writes them with `Journal.commit`, once a turn of its loop and
before anything that the turn has to say goes out. What `commit` has written survives the death of the process. People's
changes are noted by `note`. Both go into files under ``SEEKGATE_HOME/journal``; the *keeper*, a process of its own,
seals those that nobody writes any more, closes what their writers left open, and signs a manifest of them.

=============  ==========================================================================================
`frame`        the bytes of a segment: frames of records, chained by SHA-256
`names`        what segments are called
`writer`       a worker's segments: append, commit, failure, rotation
`backlog`      records that could not be written yet
`syncing`      the thread that brings written frames to the disk
`notes`        the segment of the commands and the control process
`reading`      a segment read back, with everything that is wrong with it and where
`manifest`     the signed list of sealed segments
`records`      what every record begins with
`keeping`      sealing, orphans, retention; ``python -m seekgate.store.journal.keeper`` runs it
`heads`        the manifest's newest line, told off the host
`verifying`    the whole ledger checked
`index`        where a request id or a key occurs in a sealed segment
`searching`    records found again
=============  ==========================================================================================

This package's own names are all that a worker imports; they import nothing heavy.
"""

from __future__ import annotations

from seekgate.store.journal.notes import note
from seekgate.store.journal.writer import Journal, Ticket

__all__ = ["Journal", "Ticket", "note"]
