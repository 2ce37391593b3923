"""What ``GET /metrics`` answers, from the dumps of all workers."""

from __future__ import annotations

from collections.abc import Iterable

from seekgate.telemetry.dump import Dump, DumpError, FamilyDump, Sample, decode
from seekgate.telemetry.merge import merge
from seekgate.telemetry.metrics import DUMPS_UNREADABLE, SPECS


def scrape(dumps: Iterable[bytes], accept: str = "", gauges_since: float = 0.0) -> tuple[bytes, str]:
    """The body and its content type for the workers' dumps; ``accept`` is the request's header, "" for none.

    ``gauges_since`` (Unix seconds) leaves out the gauges of workers that have stopped writing; pass a few times the
    interval of writing before now. A dump that cannot be read is left out and counted in
    ``seekgate_metrics_dumps_unreadable``: one bad file must not blind the operator to all workers.

    Pure computation on its arguments, so that a worker can run it off its loop in a thread; the first call imports
    the exposition library, which takes about 0.1 s.
    """
    from seekgate.telemetry import exposition

    read: list[Dump] = []
    unreadable = 0
    for data in dumps:
        try:
            read.append(decode(data))
        except DumpError:
            unreadable += 1
    bad = FamilyDump("gauge", (), (), [Sample((), unreadable)])
    read.append(Dump(gauges_since, {DUMPS_UNREADABLE.name: bad}))
    return exposition.render(merge(read, SPECS, gauges_since), accept)
