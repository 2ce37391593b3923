"""``python -m seekgate.supervisor OPTIONS``: what ``seekgate serve`` becomes.

``OPTIONS`` is `seekgate.supervisor.run.Options` as JSON. A process image of its own, because the command line's
parser would otherwise stay in memory for as long as the node lives.
"""

from __future__ import annotations

import sys

import msgspec

from seekgate.supervisor.run import Options, serve

if __name__ == "__main__":
    sys.exit(serve(msgspec.json.decode(sys.argv[1], type=Options)))
