import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seekgate.telemetry.dump import Dump, DumpError, FamilyDump, Sample, decode


def encoded(family: FamilyDump) -> bytes:
    return msgspec.json.encode(Dump(1.0, {"x": family}))


def test_round_trip() -> None:
    family = FamilyDump("histogram", ("a",), (0.5,), [Sample(("v",), 1.5, [2, 0])])
    dump = decode(encoded(family))
    assert dump.families["x"] == family
    assert dump.families["x"].fits("histogram", ("a",), (0.5,))
    assert not dump.families["x"].fits("histogram", ("a",), (0.25,))
    assert not dump.families["x"].fits("counter", ("a",), (0.5,))


@pytest.mark.parametrize(
    "family",
    [
        FamilyDump("counter", ("a",), (), [Sample((), 1)]),
        FamilyDump("counter", (), (), [Sample((), 1, [1])]),
        FamilyDump("histogram", (), (0.5,), [Sample((), 1, [1])]),
    ],
)
def test_a_sample_of_another_shape_than_its_family(family: FamilyDump) -> None:
    with pytest.raises(DumpError, match="sample of x has another shape"):
        decode(encoded(family))


@given(st.binary(max_size=200))
def test_garbage_is_a_dump_error(data: bytes) -> None:
    with pytest.raises(DumpError):
        decode(data)


def test_every_cut_of_a_dump_is_a_dump_error() -> None:
    data = encoded(FamilyDump("counter", ("a",), (), [Sample(("v",), 1)]))
    for end in range(len(data)):
        with pytest.raises(DumpError):
            decode(data[:end])
