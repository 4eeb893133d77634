"""What a package of the trail leaves out, and what it does not speak of, in words."""

from typing import Any

from apps.evidence.content.files import Files
from apps.evidence.content.readings import gap
from apps.evidence.content.trail.events import Listed
from apps.evidence.content.trail.record import left_out_of_period
from apps.evidence.content.trail.scope import Tale
from apps.evidence.subjects import Subject

REDACTIONS = ["what", "file", "count", "why"]
WORDS = "What was told, decided, and answered"
HOW = "Left out unless who exports may read it and asks for it; the record commits to it."
ALWAYS = (
    ("What an agent did and did not tell", "A record is the agent's own account, not proof of it."),
    ("What systems recorded and did not deliver", "Only connected logs are read."),
)
NO_RANGE = (
    "Records of this run that came later",
    "A run claims no range of the log: what it holds is proven, not that there is no more.",
)
OTHERS = (
    "Records of other agents in the range",
    "They are counted, and each is there by its hash, so that none can be slipped in or out.",
)
SHARED = (
    "Calls of identities that other agents use too",
    "Only those are here that are joined to a run of this agent.",
)


def redactions_of(tale: Tale, listed: Listed) -> list[dict[str, Any]]:
    """Each kind of thing that is held and left out, how often, and why."""
    found = []
    if listed.payloads["redacted"]:
        count = listed.payloads["redacted"]
        found.append({"what": WORDS, "file": "data/payloads.jsonl", "count": count, "why": HOW})
    people = left_out_of_period(tale) if tale.about == Subject.WHOLE else 0
    if people:
        found.append(
            {
                "what": "Audit entries about people's own accounts",
                "file": "data/governance.jsonl",
                "count": people,
                "why": "Sign-ins and seats are of people, not of agents.",
            }
        )
    return found


def write_redactions(files: Files, found: list[dict[str, Any]]) -> None:
    with files.csv("data/redactions.csv", "What is held and left out", REDACTIONS) as write:
        for one in found:
            write([one[name] for name in REDACTIONS])


def not_covered(tale: Tale, listed: Listed) -> list[dict[str, Any]]:
    found = [gap(what, why) for what, why in ALWAYS]
    if tale.unsigned:
        why = "The next checkpoint covers them, and a later package proves them."
        found.append(gap("Records newer than the last checkpoint", why, tale.unsigned))
    if listed.payloads["erased"]:
        why = "They were erased for good; the proof of their records still holds."
        found.append(gap("Words that were erased", why, listed.payloads["erased"]))
    if listed.payloads["absent"]:
        why = "Their time is over; the records commit to them all the same."
        found.append(gap("Words that are no longer kept", why, listed.payloads["absent"]))
    if tale.about == Subject.INVOCATION:
        found.append(gap(*NO_RANGE))
    if tale.about == Subject.AGENT and tale.claimed:
        others = tale.claimed[1] - tale.claimed[0] - sum(listed.kinds.values())
        found += [gap(*OTHERS, others), gap(*SHARED)]
    return found
