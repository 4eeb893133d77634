"""Random policies against a reference written plainly, over a small catalogue."""

from hypothesis import given
from hypothesis import strategies as st

from apps.connectors.adapters.aws_catalogue import build
from apps.connectors.adapters.aws_effective import Holding, grants_of
from apps.connectors.adapters.aws_policy import Origin, statements_of

RULES = {"version": "1", "credential_access": [], "tags": {}, "deleting_words": []}
NAMES = sorted(
    [f"{service}:{verb}{what}" for service in ("aa", "bb") for verb in ("Get", "Put", "Del")
     for what in ("Item", "Items", "Acl")],
    key=str.lower,
)  # fmt: skip
KNOWN = build(
    NAMES,
    ["read" if ":Get" in name else "admin" if "Acl" in name else "write" for name in NAMES],
    RULES,
    source="test",
    version="1",
)
PATTERNS = st.sampled_from(
    ["*", "aa:*", "bb:Get*", "aa:*Items", "*:PutAcl", "aa:GetItem", "bb:DelItem", "aa:P?tItem"]
)
CONDITION = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


@st.composite
def statements(draw):
    action = draw(st.sampled_from(["Action", "NotAction"]))
    resource = draw(st.sampled_from(["Resource", "Resource", "NotResource"]))
    entry = {
        "Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"])),
        action: draw(st.lists(PATTERNS, min_size=1, max_size=3)),
        resource: draw(st.sampled_from(["*", "*", "arn:aws:aa:::x"])),
    }
    if draw(st.booleans()):
        entry["Condition"] = CONDITION
    return entry


POLICIES = st.lists(statements(), min_size=1, max_size=4)


def actions_of(entry):
    if "Action" in entry:
        return KNOWN.expand(entry["Action"])
    return frozenset(NAMES) - KNOWN.expand(entry["NotAction"])


def unlimited(entry):
    return entry.get("Resource") == "*" and "Condition" not in entry


def union(entries):
    return frozenset().union(*(actions_of(entry) for entry in entries))


def allowed(entries):
    return [entry for entry in entries if entry["Effect"] == "Allow"]


def denied(entries):
    return [entry for entry in entries if entry["Effect"] == "Deny"]


def grants(policy, boundary):
    held = statements_of({"Statement": policy}, origin=Origin("policy"), known=KNOWN)
    fence = None
    if boundary is not None:
        read = statements_of({"Statement": boundary}, origin=Origin("fence"), known=KNOWN)
        fence = [one.as_boundary() for one in read]
    return list(grants_of(Holding("1", "i", held, fence), KNOWN))


@given(POLICIES, st.none() | POLICIES)
def test_what_is_held_is_allowed_inside_the_boundary_and_not_denied_outright(policy, boundary):
    outright = [entry for entry in denied([*policy, *(boundary or [])]) if unlimited(entry)]
    expected = union(allowed(policy)) - union(outright)
    if boundary is not None:
        expected &= union(allowed(boundary))

    held = {name for grant in grants(policy, boundary) for name in KNOWN.expand(grant.actions)}

    assert held == expected


@given(POLICIES, st.none() | POLICIES)
def test_every_limit_stands_beside_each_action_it_limits(policy, boundary):
    narrow = [entry for entry in denied([*policy, *(boundary or [])]) if not unlimited(entry)]
    free = union(entry for entry in allowed(boundary or []) if unlimited(entry))

    for grant in grants(policy, boundary):
        for name in KNOWN.expand(grant.actions):
            shown = [row for row in grant.limits if name in KNOWN.expand(row.actions)]
            denials = [row for row in shown if row.effect == "deny"]
            caps = [row for row in shown if row.effect == "allow"]
            assert len(denials) == sum(name in actions_of(entry) for entry in narrow)
            assert bool(caps) == (boundary is not None and name not in free)


@given(POLICIES)
def test_no_condition_loses_its_action(policy):
    for grant in grants(policy, None):
        for name in KNOWN.expand(grant.actions):
            told = [
                (bool(row.conditions), row.resources, row.not_resources)
                for row in grant.statements
                if name in KNOWN.expand(row.actions)
            ]
            assert told == [
                (
                    "Condition" in entry,
                    (entry["Resource"],) if "Resource" in entry else (),
                    (entry["NotResource"],) if "NotResource" in entry else (),
                )
                for entry in allowed(policy)
                if name in actions_of(entry)
            ]
