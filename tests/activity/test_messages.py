"""Messages that hold text alone are read another way, and say the same as by the search."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.activity.conventions import messages as read
from apps.activity.conventions.messages import messages

WORDS = st.sampled_from(["", "refund", 'a "b"\n', "é\u2028", "\x00", "{", '[{"role": "user"}]'])
TEXT = st.fixed_dictionaries({"type": st.just("text"), "content": WORDS})
ODD_PARTS = st.sampled_from(
    [
        {"content": "x"},
        {"type": "text", "content": None},
        {"type": "text", "content": "x", "further": 1},
        {"type": "tool_call", "id": "c1", "name": "pay", "arguments": {"sum": 3}},
        {"type": "tool_call_response", "id": "c1", "response": "paid"},
        "x",
        7,
    ]
)
TURNS = st.lists(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["user", "System", "assistant", "tool", "", "r" * 60]),
            "parts": st.lists(st.one_of(TEXT, TEXT, TEXT, ODD_PARTS), max_size=3),
        },
        optional={"finish_reason": st.sampled_from(["stop", "", None, 3]), "content": WORDS},
    ),
    min_size=1,
    max_size=3,
)


@given(TURNS)
@settings(max_examples=300)
def test_messages_in_a_text_say_what_they_say_outside_of_it(turns):
    assert messages(json.dumps(turns)) == messages(turns)


@pytest.mark.parametrize(
    "text",
    [
        '[{"role":"user","parts":[{"type":"text","content":"x"}]}] and more',
        '[{"role":"user","parts":[{"type":"text","content":"\\ud800"}]}]',
        '[{"role":"user","parts":[{"type":"text","content":"x"',
        '[{"role":"user","parts":[{"type":"text","content":"\ud800"}]}]',
    ],
)
def test_what_only_begins_as_messages_is_a_text(text):
    assert [one.texts for one in messages(text, "user")] == [[text]]


def test_no_more_messages_are_read_than_may_be():
    many = [{"role": "user", "parts": []}] * (read.MOST + 1)

    told = messages(json.dumps(many, separators=(",", ":")))

    assert told == messages(many)
    assert len(told) == read.MOST
