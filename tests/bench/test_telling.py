"""The bodies that are measured are such as agents send: read without loss, and each its own."""

from apps.activity.conventions.otlp import PROTOBUF, read_traces
from tests.bench.telling import bodies


def test_bodies_are_read_whole_as_what_they_say_and_no_two_are_one():
    one, other = bodies(2, spans=64)

    read = read_traces(one, PROTOBUF)

    assert one != other
    assert (len(read.readings), read.rejected) == (64, 0)
    assert {each.kind for each in read.readings} == {"invocation", "step", "action"}
    assert {each.claimed_agent for each in read.readings} == {"refund-agent"}
    assert 900 < len(one) / 64 < 1300
