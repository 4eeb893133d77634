from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from apps.connectors.adapters.aws_catalogue import build
from apps.connectors.adapters.aws_effective import Holding, grants_of
from apps.connectors.adapters.aws_policy import Origin, statements_of
from apps.grants import patterns

WORDS = st.sampled_from(["Get", "Put", "List", "Delete", "Object", "Objects", "Acl", "A", "a"])
NAMES = st.lists(WORDS, min_size=1, max_size=4).map("".join)
UNIVERSES = st.lists(NAMES, min_size=1, max_size=25, unique_by=str.lower).map(
    lambda names: sorted(names, key=str.lower)
)
GLOBS = st.text(alphabet="ab*?", max_size=5)
RULES = {"version": "1", "credential_access": [], "tags": {}, "deleting_words": []}


@given(UNIVERSES, st.data())
def test_compressed_patterns_expand_to_exactly_what_was_chosen(names, data):
    chosen = [data.draw(st.booleans()) for _ in names]

    found = patterns.compress(chosen, names)

    expanded = {name for name in names if any(patterns.matcher(p).fullmatch(name) for p in found)}
    assert expanded == {name for name, flag in zip(names, chosen, strict=True) if flag}


@given(UNIVERSES, NAMES)
def test_no_pattern_matches_a_name_to_be_avoided(names, outside):
    chosen = [name.lower() != outside.lower() for name in names]

    found = patterns.compress(chosen, names, avoid=[outside])

    assert not any(patterns.matcher(pattern).fullmatch(outside) for pattern in found)


@given(GLOBS, GLOBS, st.text(alphabet="ab", max_size=6))
def test_what_matches_both_patterns_proves_their_overlap(one, other, name):
    if fnmatchcase(name, one) and fnmatchcase(name, other):
        assert patterns.overlap(one, other)


@given(GLOBS, GLOBS, st.text(alphabet="ab", max_size=6))
def test_a_covered_pattern_matches_nothing_more(pattern, other, name):
    if patterns.covers(pattern, other) and fnmatchcase(name, other):
        assert fnmatchcase(name, pattern)


def test_patterns_that_share_nothing_do_not_overlap():
    assert not patterns.overlap("s3:Get*", "s3:Put*")
    assert patterns.overlap("s3:*Object", "s3:Get*")
    assert patterns.overlap("s3:Get?", "s3:getx")
    assert not patterns.covers("s3:Get?", "s3:Get*")


@given(UNIVERSES, st.data())
def test_an_action_denied_outright_never_appears(names, data):
    actions = [f"svc:{name}" for name in names]
    levels = [data.draw(st.sampled_from(["read", "write", "admin"])) for _ in names]
    known = build(actions, levels, RULES, source="test", version="1")
    pattern = st.one_of(
        st.sampled_from(actions), st.sampled_from(["*", "svc:Get*", "svc:*Object*", "svc:G?t*"])
    )
    allowed = data.draw(st.lists(pattern, min_size=1, max_size=4))
    denied = data.draw(st.lists(pattern, min_size=1, max_size=4))
    policy = {
        "Statement": [
            {"Effect": "Allow", "Action": allowed, "Resource": "*"},
            {"Effect": "Deny", "Action": denied, "Resource": "*"},
        ]
    }
    statements = statements_of(policy, origin=Origin("p"), known=known)

    grants = list(grants_of(Holding("1", "i", statements), known))

    held = {name for grant in grants for name in known.expand(grant.actions)}
    assert held == known.expand(allowed) - known.expand(denied)
    for grant in grants:
        levels_held = {known.level_of(name) for name in known.expand(grant.actions)}
        assert levels_held <= {grant.level}
