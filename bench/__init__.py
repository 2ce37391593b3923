"""The benchmark: what one hop costs, side by side with nginx and Envoy, in front of the same instant upstream.

A round starts each system afresh, asks it until it answers (start time), warms it up, loads it, and reads what its
processes used from the kernel's own account. Rounds interleave the systems, so that a slow minute of the machine
hits them all; the figures reported are medians over rounds. CPU time per request is the figure to trust: on a
machine with few cores the proxy, the load generator and the upstream compete, and requests a second measure that
competition as much as the proxy.

    python -m bench                  five rounds of every case, results in bench/results/
    python -m bench --quick --check  one short round, and an exit status that says whether the ratios hold
    python -m bench.soak             a million requests through SeekGate, and whether its memory stayed flat

`docs/reference/benchmark.md` explains every figure. Linux only: the account is read from /proc and CPU clocks.
"""
