"""What a package of the trail leaves out, and what it does not speak of, in words."""

from collections.abc import Iterable
from typing import Any

from apps.activity.states import Kind
from apps.evidence.content.files import Files
from apps.evidence.content.logs import Run
from apps.evidence.content.readings import gap
from apps.evidence.content.trail.events import Listed
from apps.evidence.content.trail.reach import unread_of_period
from apps.evidence.content.trail.record import left_out_of_period
from apps.evidence.content.trail.scope import Tale, moments_of
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
GONE = (
    "Records that are no longer kept here",
    "Their time is over, and no archive known here holds them; the log has their hashes.",
)
UNREAD = "Records in a part of the archive that cannot be read"
APART = "Joins to records that cannot be read"
UNREAD_WORDS = "Words in a part of the archive that cannot be read"
SHARED = (
    "Calls of identities that other agents use too",
    "Only those are here that are joined to a run of this agent.",
)


def redactions_of(tale: Tale, listed: Listed) -> list[dict[str, Any]]:
    """Each kind of thing that is held and left out, how often, and why."""
    found = redacted(listed.payloads["redacted"])
    people = left_out_of_period(tale) if tale.about == Subject.WHOLE else 0
    if people:
        found.append(
            {
                "what": "Audit entries about people's own accounts",
                "file": "data/governance.jsonl",
                "count": people,
                "why": "Sign-ins and seats are of people, not of agents. Those that the checkpoint"
                " covers are there by their hash.",
            }
        )
    return found


def redacted(count: int) -> list[dict[str, Any]]:
    """Words that are held and left out."""
    if not count:
        return []
    return [{"what": WORDS, "file": "data/payloads.jsonl", "count": count, "why": HOW}]


def write_redactions(files: Files, found: list[dict[str, Any]]) -> None:
    with files.csv("data/redactions.csv", "What is held and left out", REDACTIONS) as write:
        for one in found:
            write([one[name] for name in REDACTIONS])


def not_covered(tale: Tale, listed: Listed) -> list[dict[str, Any]]:
    found = [*[gap(what, why) for what, why in ALWAYS], *_unlooked(tale)]
    if tale.unsigned:
        why = "The next checkpoint covers them, and a later package proves them."
        found.append(gap("Records newer than the last checkpoint", why, tale.unsigned))
    if listed.payloads["erased"]:
        why = "They were erased for good; the proof of their records still holds."
        found.append(gap("Words that were erased", why, listed.payloads["erased"]))
    found += _absent(tale, listed)
    if tale.about == Subject.INVOCATION:
        found.append(gap(*NO_RANGE))
    found += _left(tale, listed)
    if tale.about == Subject.AGENT and tale.claimed:
        others = tale.claimed[1] - tale.claimed[0] - sum(listed.kinds.values()) - _unread(tale)
        found += [gap(*OTHERS, others), gap(*SHARED)]
    return found


def _unlooked(tale: Tale) -> list[dict[str, Any]]:
    if tale.invocation is not None:
        return list(tale.reach.unread)
    return unread_of_period(tale.agent, *moments_of(tale.since, tale.until))


def _left(tale: Tale, listed: Listed) -> list[dict[str, Any]]:
    """Records that the log holds and nobody here can read, and why."""
    gone, unread = _gone(tale, listed), _unread(tale)
    why = f"{tale.stock.trouble} The log has their hashes."
    if tale.invocation is not None and tale.stock.lost:
        gone, unread = 0, gone + unread
    elif tale.about == Subject.WHOLE:
        gone -= unread
    found = [gap(UNREAD, why, unread)] if unread else []
    if apart := tale.joins.count() - tale.links.count() if tale.stock.lost else 0:
        found.append(gap(APART, "One side of them or both cannot be read.", apart))
    return found + ([gap(*GONE, gone)] if gone else [])


def _unread(tale: Tale) -> int:
    """How many places cannot be read; of a run, how many of its calls lie there."""
    if tale.invocation is None:
        return sum(end - first for first, end in tale.stock.lost)
    return sum(
        tale.joins.filter(call_leaf__gte=first, call_leaf__lt=end).count()
        for first, end in _joined(tale.stock.lost)
    )


def _joined(runs: Iterable[Run]) -> list[Run]:
    """Overlapping runs as one, so that nothing is counted twice."""
    joined: list[Run] = []
    for first, end in sorted(runs):
        if joined and first <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((first, end))
    return joined


def _absent(tale: Tale, listed: Listed) -> list[dict[str, Any]]:
    """Words that are nowhere, and why as far as that is known."""
    count = listed.payloads["absent"]
    if not count:
        return []
    if tale.stock.wordless:
        why = f"{tale.stock.trouble} The records commit to them all the same."
        return [gap(UNREAD_WORDS, why, count)]
    why = "Their time is over; the records commit to them all the same."
    return [gap("Words that are no longer kept", why, count)]


def _gone(tale: Tale, listed: Listed) -> int:
    """How many records there were that only their hashes tell of now."""
    told = sum(listed.kinds.values())
    if tale.about == Subject.WHOLE and tale.claimed:
        return tale.claimed[1] - tale.claimed[0] - told
    if tale.invocation is not None:
        came = sum(one.events for one in tale.runs)
        return max(0, came - (told - listed.kinds[Kind.API]) - tale.unsigned)
    return 0
