"""``python -m seekgate.engine``: the process that the supervisor starts for each engine."""

from __future__ import annotations

import sys

from seekgate.engine.run import main

if __name__ == "__main__":
    sys.exit(main())
