"""Take secrets out of a text before it is hashed and kept: by shape, or by what stands before.

Looking costs about as much as reading, so it goes by rungs: first a gate, a short text without
which the pattern cannot match, then the pattern, both for all texts together. Every repetition is
bounded or ends at a character that cannot begin it anew, so that time grows no faster than the
text. A marker holds nothing that a JSON text would have to escape.
"""

import re
from string import ascii_uppercase
from typing import NamedTuple

MARKER = "[secret removed: {}]"

# Between a name and its value: `key = "x"`, `"key": "x"`, also escaped within a JSON text.
GIVES = r"(?:\\{0,3}[\"'])?\s{0,4}(?:=>|[:=])\s{0,4}(?:\\{0,3}[\"'])?"
FORTY = r"[a-z0-9/+]{40}(?![a-z0-9/+=])"
ASCII_LOWER = {ord(letter): ord(letter.lower()) for letter in ascii_uppercase}
VALUE_END = r"\s\"'\\,;&<>(){}\[\]"


class Pattern(NamedTuple):
    """A group "secret" goes, or all. What is folded is matched in lower case.

    Without a gate, the shape begins with letters that are looked for as fast as a gate.
    """

    kind: str
    gate: str
    shape: re.Pattern[str]
    is_folded: bool = False


def _named(kind: str, names: str, value: str) -> Pattern:
    """A value known by the name before it, whose words any one joint, or none, may join.

    All the names end with one word. That is searched for; what stands before it is looked at after.
    """
    last = names.split(maxsplit=1)[0].rpartition("_")[2]
    before = "|".join(
        f"(?<={name.replace('_', joint)})" for name in names.split() for joint in ("[_ -]", "")
    )
    shape = re.compile(rf"{last}(?:{before}){GIVES}(?P<secret>{value})", re.ASCII)
    return Pattern(kind, last, shape, is_folded=True)


def _bare(kind: str, start: str, value: str) -> Pattern:
    """A value known by its first letters, common ones: it has to stand at the beginning of a word.

    The letters come first and what stands before them after, so that they are searched fast. In a
    JSON text a word may follow an escaped line break.
    """
    shape = rf"{start}(?:(?<=[^A-Za-z0-9._/-]{start})|(?<=\\n{start})){value}"
    return Pattern(kind, "", re.compile(shape))


def _prefixed(kind: str, shape: str) -> Pattern:
    return Pattern(kind, "", re.compile(shape))


PATTERNS = (
    Pattern(
        "private key",
        "PRIVATE KEY",
        re.compile(
            r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
            r"[^-]*(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----|-{0,5})"
        ),
    ),
    _named("AWS secret key", "secret_access_key secret_key", FORTY),
    _named("AWS secret key", "aws_secret", FORTY),
    _named("AWS session token", "session_token security_token", r"[a-z0-9/+=%]{80,8192}"),
    _prefixed("AWS Bedrock key", r"ABSK[A-Za-z0-9+/]{40,400}={0,2}"),
    _prefixed("GitHub token", r"gh[pousr]_[A-Za-z0-9]{36,255}"),
    _prefixed("GitHub token", r"github_pat_[A-Za-z0-9_]{22,255}"),
    _prefixed("GitLab token", r"glpat-[A-Za-z0-9_-]{20,100}"),
    _prefixed("JWT", r"eyJ[A-Za-z0-9_-]{8,4096}\.eyJ[A-Za-z0-9_-]{4,16384}\.[A-Za-z0-9_-]*"),
    _prefixed("Vault token", r"hv[sbr]\.[A-Za-z0-9_-]{20,500}"),
    _bare("Vault token", r"s\.", r"[A-Za-z0-9]{24,26}(?![A-Za-z0-9_.-])"),
    _bare("Vault token", r"b\.", r"[A-Za-z0-9]{24,26}(?![A-Za-z0-9_.-])"),
    _prefixed("Slack token", r"xox[abeoprs]-[A-Za-z0-9-]{10,250}"),
    _prefixed("Slack token", r"xapp-[A-Za-z0-9-]{10,250}"),
    _prefixed("Slack token", r"hooks\.slack\.com/services/[A-Za-z0-9/]{20,100}"),
    _named(
        "Azure account key",
        "account_key access_key storage_key primary_key secondary_key",
        r"(?:[a-z0-9/+]{86}==|[a-z0-9/+]{43}=)",
    ),
    _prefixed("Azure signature", r"sig=(?P<secret>[A-Za-z0-9/+%]{40,100}(?:%3D|=))"),
    Pattern(
        "Azure client secret",
        "~",
        re.compile(r"(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,34}(?![\w~.-])"),
    ),
    _named("client secret", "client_secret", rf"[^{VALUE_END}]{{12,200}}"),
    _bare("provider key", "sk-", r"[A-Za-z0-9_-]{20,250}"),
    Pattern(
        "provider key",
        "_live_",
        re.compile(r"[sr]k_live_[A-Za-z0-9]{16,250}"),
    ),
    _prefixed("Google API key", r"AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    _prefixed("Google token", r"ya29\.[A-Za-z0-9_-]{20,2048}"),
    _prefixed("Hugging Face token", r"hf_[A-Za-z0-9]{30,60}"),
    _prefixed("npm token", r"npm_[A-Za-z0-9]{36}"),
    Pattern(
        "bearer token",
        "bearer ",
        re.compile(r"bearer\s{1,4}(?P<secret>[a-z0-9._~+/=-]{16,8192})", re.ASCII),
        is_folded=True,
    ),
    Pattern(
        "basic credentials",
        "basic ",
        re.compile(
            rf"authorization{GIVES}basic\s{{1,4}}(?P<secret>[a-z0-9+/=]{{8,4096}})", re.ASCII
        ),
        is_folded=True,
    ),
    Pattern(
        "password in an address",
        "://",
        re.compile(r"://[^\s:/@\"'\\]{0,100}:(?P<secret>[^\s@/\"'\\]{1,200})@"),
    ),
    _named("password", "password", rf"[^{VALUE_END}]{{4,200}}"),
    _named("password", "passwd", rf"[^{VALUE_END}]{{4,200}}"),
    _named("password", "passphrase", rf"[^{VALUE_END}]{{4,200}}"),
    _named("password", "pwd", rf"[^{VALUE_END}]{{4,200}}"),
    _named("API key", "api_key", r"[a-z0-9._~+/=-]{16,8192}"),
    _named(
        "API key",
        "access_token refresh_token auth_token vault_token",
        r"[a-z0-9._~+/=-]{16,8192}",
    ),
)


def scrubbed(text: str) -> tuple[str, int]:
    """The text with a marker, naming the kind, for each secret; and how many there were."""
    return _scrubbed(text, _possible(text))


def scrubbed_all(texts: list[str]) -> tuple[list[str], int]:
    """The same for many texts at once: what none of them can hold is looked for in none."""
    possible = _possible("\n".join(texts))
    if not possible:
        return texts, 0
    count, done = 0, []
    for text in texts:
        clean, found = _scrubbed(text, possible)
        done.append(clean)
        count += found
    return done, count


def _possible(text: str) -> tuple[Pattern, ...]:
    padded = " " + text
    lowered = _lowered(padded)
    gates: dict[str, bool] = {}
    possible = []
    for pattern in PATTERNS:
        searched = lowered if pattern.is_folded else padded
        if pattern.gate not in gates:
            gates[pattern.gate] = pattern.gate in searched
        if gates[pattern.gate] and pattern.shape.search(searched):
            possible.append(pattern)
    return tuple(possible)


def _scrubbed(text: str, patterns: tuple[Pattern, ...]) -> tuple[str, int]:
    count = 0
    # A secret may be all there is: then it stands at the beginning of a word as well.
    text = " " + text
    for pattern in patterns:
        searched = _lowered(text) if pattern.is_folded else text
        if pattern.gate in searched:
            text, found = _replaced(pattern, text, searched)
            count += found
    return text[1:], count


def _replaced(pattern: Pattern, text: str, searched: str) -> tuple[str, int]:
    marker = MARKER.format(pattern.kind)
    group = "secret" if "secret" in pattern.shape.groupindex else 0
    pieces, at, count = [], 0, 0
    for match in pattern.shape.finditer(searched):
        start, end = match.span(group)
        if searched.startswith("[secret", start):
            continue
        pieces += [text[at:start], marker]
        at = end
        count += 1
    return "".join([*pieces, text[at:]]), count


def _lowered(text: str) -> str:
    """In lower case, letter for letter: some, outside ASCII, would become two."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else text.translate(ASCII_LOWER)
