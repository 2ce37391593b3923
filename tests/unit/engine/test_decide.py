"""What an engine runs with: every decision by itself."""

from __future__ import annotations

from seekgate.engine.decide import Plan, Refused, Wanted, decide, kv_bytes
from seekgate.engine.gguf import Header, Scalar
from seekgate.engine.machine import Machine

GIB = 1 << 30
SMALL = Header(
    100 << 20,
    1,
    {
        "general.architecture": "llama",
        "llama.block_count": 30,
        "llama.context_length": 8192,
        "llama.embedding_length": 576,
        "llama.attention.head_count": 9,
        "llama.attention.head_count_kv": 3,
    },
)
ROOMY = Machine(cores=2, memory=16 * GIB)


def _plan(wanted: Wanted, header: Header = SMALL, machine: Machine = ROOMY) -> Plan:
    plan = decide(wanted, header, machine)
    assert isinstance(plan, Plan)
    return plan


def test_context_is_for_each_slot() -> None:
    plan = _plan(Wanted("m", "m.gguf", context=2048, slots=3))
    assert (plan.context, plan.slots) == (6144, 3)


def test_threads_zero_leaves_a_core_to_the_gateway() -> None:
    for cores, threads in ((1, 1), (2, 1), (8, 7)):
        machine = Machine(cores=cores, memory=16 * GIB)
        assert _plan(Wanted("m", "m.gguf"), machine=machine).threads == threads
    assert _plan(Wanted("m", "m.gguf", threads=5)).threads == 5


def test_a_context_beyond_the_training_is_cut_and_said() -> None:
    plan = _plan(Wanted("m", "m.gguf", context=20_000, slots=2))
    assert plan.context == 2 * 8192
    assert "8192" in plan.notes[0]


def test_a_model_that_does_not_fit_is_refused_with_numbers() -> None:
    found = decide(Wanted("m", "m.gguf", context=8192, slots=4), SMALL, Machine(2, 500 << 20))
    assert isinstance(found, Refused)
    assert "100 MiB" in found.reason
    assert "500 MiB" in found.reason
    assert "slots" in found.reason


def test_unknown_memory_refuses_nothing() -> None:
    assert _plan(Wanted("m", "m.gguf"), machine=Machine(2, None)).prompt_cache == 2048


def test_the_prompt_cache_stays_below_a_quarter_of_what_is_left() -> None:
    need = SMALL.size + kv_bytes(SMALL, 4 * 4096)
    assert _plan(Wanted("m", "m.gguf"), machine=Machine(2, need + (400 << 20))).prompt_cache == 100
    assert _plan(Wanted("m", "m.gguf"), machine=Machine(2, need)).prompt_cache == 0


def test_embeddings_fit_into_one_batch_and_pool() -> None:
    plan = _plan(Wanted("m", "m.gguf", context=1024, embeddings=True))
    assert (plan.batch, plan.micro_batch, plan.pooling) == (1024, 1024, 1)


def test_a_model_that_names_its_pooling_keeps_it() -> None:
    own = Header(SMALL.size, 1, {**SMALL.metadata, "llama.pooling_type": 2})
    assert _plan(Wanted("m", "m.gguf", embeddings=True), own).pooling == -1


def test_impossible_numbers_are_refused() -> None:
    for wanted in (
        Wanted("m", "m.gguf", context=0),
        Wanted("m", "m.gguf", slots=0),
        Wanted("m", "m.gguf", threads=-1),
    ):
        assert isinstance(decide(wanted, SMALL, ROOMY), Refused)


def test_attention_state_by_architecture() -> None:
    # 30 layers, 3 key-value heads of 64 numbers, keys and values, 2 bytes each.
    assert kv_bytes(SMALL, 1) == 30 * 3 * 64 * 2 * 2
    latent: dict[str, Scalar] = {
        "general.architecture": "deepseek2",
        "deepseek2.block_count": 27,
        "deepseek2.attention.kv_lora_rank": 512,
        "deepseek2.rope.dimension_count": 64,
    }
    assert kv_bytes(Header(1, 1, latent), 10) == 27 * 10 * 576 * 2
    windowed = {**SMALL.metadata, "llama.attention.sliding_window": 512}
    assert kv_bytes(Header(1, 1, windowed), 8) == kv_bytes(SMALL, 8) // 2
    assert kv_bytes(Header(1, 1, {}), 8) == 0
