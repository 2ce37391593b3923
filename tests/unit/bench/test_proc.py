"""The kernel's account of a tree of processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from bench.proc import Process, command_line, cpu_seconds, memory_bytes, parse_stat, tree, tree_memory

BUSY = """
import os, sys, time
pid = os.fork()
until = time.process_time() + 0.1
while time.process_time() < until: pass
if pid == 0: os._exit(0)
os.waitpid(pid, 0)
print("spent", flush=True)
sys.stdin.read()
"""


def test_a_name_with_spaces_and_parentheses() -> None:
    text = "42 (a (b) c) S 7 42 5 0 -1 4194560 1 2 0 0 11 12 100 50 20 0 1 0 9 1 1 1"
    tick = os.sysconf("SC_CLK_TCK")
    assert parse_stat(text) == Process(pid=42, parent=7, session=5, children_cpu=150 / tick)


def test_a_tree_has_descendants_and_the_session() -> None:
    known = {
        1: Process(1, 0, 1, 0.0),
        10: Process(10, 1, 10, 0.0),
        11: Process(11, 10, 10, 0.0),
        12: Process(12, 11, 99, 0.0),  # a grandchild in a session of its own
        13: Process(13, 1, 10, 0.0),  # an orphan of the session
        20: Process(20, 1, 20, 0.0),
    }
    assert [process.pid for process in tree(10, known)] == [10, 11, 12, 13]
    assert tree(77, known) == []


def test_an_ended_child_stays_in_the_account() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"spent\n"
        spent = cpu_seconds(process.pid)
        memory = tree_memory(process.pid)
        assert "-c" in command_line(process.pid)
    finally:
        process.communicate()
    assert spent >= 0.19
    assert list(memory) == [process.pid]
    assert memory[process.pid] > 1_000_000
    assert memory_bytes(process.pid) == 0
    assert command_line(process.pid) == ""
    assert cpu_seconds(process.pid) == 0.0


def test_the_own_clock_agrees_with_the_systems() -> None:
    known = time.process_time()
    assert cpu_seconds(os.getpid()) >= known
