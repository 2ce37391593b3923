"""What an engine runs with: decided purely from what was asked, what the model file says and what the machine has."""

from __future__ import annotations

import msgspec

from seekgate.engine.gguf import Header
from seekgate.engine.machine import Machine

EXIT_DRAINED = 0
"""Every generation was finished."""
EXIT_FAILED = 1
"""The engine did not come up, or broke; a restart may help."""
EXIT_CUT = 3
"""The drain's deadline passed with generations still running."""
EXIT_REFUSED = 78
"""What was asked cannot work on this machine (EX_CONFIG of sysexits.h): a restart cannot help."""

_MIB = 1 << 20
_POOLING_MEAN = 1
_POOLING_OF_MODEL = -1


class Wanted(msgspec.Struct, frozen=True):
    """What the command line asks for. ``context`` counts tokens for each slot; ``threads`` 0: all cores but one.

    ``socket`` is the path of a Unix socket to serve on; "" means a port of the loopback interface.
    """

    name: str
    model: str
    context: int = 4096
    slots: int = 4
    threads: int = 0
    embeddings: bool = False
    socket: str = ""


class Plan(msgspec.Struct, frozen=True):
    """The parameters of llama.cpp's server. ``context`` counts tokens over all slots; ``prompt_cache`` is in MiB.

    ``pooling`` is llama.cpp's number of the pooling type; ``notes`` tell the operator what was decided otherwise than
    asked.
    """

    name: str
    model: str
    context: int
    slots: int
    threads: int
    http_threads: int
    batch: int
    micro_batch: int
    prompt_cache: int
    embeddings: bool
    pooling: int
    socket: str
    notes: tuple[str, ...] = ()


class Refused(msgspec.Struct, frozen=True):
    """It cannot work; ``reason`` says what is wrong and what to do."""

    reason: str


def decide(wanted: Wanted, header: Header, machine: Machine) -> Plan | Refused:
    """Settle the parameters, or refuse with a reason when the memory cannot hold the model and its context."""
    if wanted.context < 1 or wanted.slots < 1 or wanted.threads < 0:
        return Refused("context and slots must be at least 1, and threads at least 0")
    notes = []
    each = wanted.context
    trained = header.number("context_length")
    if trained and each > trained:
        notes.append(f"context {each} is cut to {trained}, the length that the model was trained for")
        each = trained
    state = kv_bytes(header, each * wanted.slots)
    need = header.size + state
    if machine.memory is not None and need > machine.memory:
        return Refused(
            f"not enough memory: the model needs {_size(header.size)} and its context {_size(state)} "
            f"({each} tokens for each of {wanted.slots} slots), but {_size(machine.memory)} are free. "
            "Lower context or slots, or take a smaller model."
        )
    spare = _MIB * 2048 if machine.memory is None else (machine.memory - need) // 4
    batch, micro = 2048, 512
    if wanted.embeddings:
        # llama.cpp computes an embedding in one micro-batch, so an input longer than that would be refused.
        batch = micro = min(each, 8192)
    return Plan(
        name=wanted.name,
        model=wanted.model,
        context=each * wanted.slots,
        slots=wanted.slots,
        # One core is left to the gateway: llama.cpp's threads wait for each other spinning, and one that has to share
        # its core slows all of them down several times.
        threads=wanted.threads or max(1, machine.cores - 1),
        # Its server gives a thread to each connection, idle ones included: too few, and a request waits behind them.
        http_threads=max(64, 4 * wanted.slots),
        batch=batch,
        micro_batch=micro,
        prompt_cache=min(2048, max(0, spare // _MIB)),
        embeddings=wanted.embeddings,
        pooling=_POOLING_MEAN
        if wanted.embeddings and not header.number("pooling_type")
        else _POOLING_OF_MODEL,
        socket=wanted.socket,
        notes=tuple(notes),
    )


def kv_bytes(header: Header, tokens: int) -> int:
    """Bytes of the attention state of ``tokens`` tokens in 16-bit floats; 0 for a model that does not tell.

    Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434) keeps one compressed vector a layer. Of models with
    sliding windows half is taken: at least every second layer of the known ones keeps a window only.
    """
    blocks = header.number("block_count")
    latent = header.number("attention.kv_lora_rank")
    if latent:
        return blocks * tokens * (latent + header.number("rope.dimension_count")) * 2
    heads = header.number("attention.head_count") or 1
    groups = header.number("attention.head_count_kv") or heads
    width = header.number("embedding_length") // heads
    key = header.number("attention.key_length") or width
    value = header.number("attention.value_length") or width
    total = blocks * tokens * groups * (key + value) * 2
    return total // 2 if header.number("attention.sliding_window") else total


def _size(count: int) -> str:
    return f"{count / (1 << 30):.1f} GiB" if count >= 1 << 30 else f"{max(1, count // _MIB)} MiB"
