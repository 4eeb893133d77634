"""Take secrets out of a text before it is hashed and kept: by shape, or by what stands before.

Looking costs more than reading, so it goes by rungs, for all texts together: what begins with
letters of its own is looked for in one pass, by the rare sign in it; what stands behind a name, by
a gate, a short text without which it cannot match. Every repetition is bounded or ends at a
character that cannot begin it anew, so that time grows no faster than the text. A marker holds
nothing that a JSON text would have to escape.
"""

import re
from collections.abc import Callable, Sequence
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

    What has no gate has a sign instead, and a shape that begins at the sign: see `SIGNS`.
    """

    kind: str
    gate: str
    shape: re.Pattern[str]
    is_folded: bool = False
    sign: str = ""
    from_sign: str = ""


def _named(kind: str, names: str, value: str, gate: str = "") -> Pattern:
    """A value known by the name before it, whose words any one joint, or none, may join.

    All the names end with one word. That is searched for; what stands before it is looked at after.
    """
    last = names.split(maxsplit=1)[0].rpartition("_")[2]
    before = "|".join(
        f"(?<={name.replace('_', joint)})" for name in names.split() for joint in ("[_ -]", "")
    )
    shape = re.compile(rf"{last}(?:{before}){GIVES}(?P<secret>{value})", re.ASCII)
    return Pattern(kind, gate or last, shape, is_folded=True)


def _begun(kind: str, before: str, sign: str, value: str, *, is_after: bool = False) -> Pattern:
    """A value known by how it begins, or `is_after` that: a few letters, the last a rare sign."""
    secret = f"(?P<secret>{value})" if is_after else value
    return Pattern(
        kind,
        "",
        re.compile(before + sign + secret),
        sign=sign,
        from_sign=f"(?<={before}{sign}){value}",
    )


def _bare(kind: str, before: str, sign: str, value: str) -> Pattern:
    """The same with common letters: they have to stand at the beginning of a word.

    In a JSON text a word may follow an escaped line break.
    """
    start = before + sign
    stands = rf"(?:(?<=[^A-Za-z0-9._/-]{start})|(?<=\\n{start}))"
    return Pattern(
        kind, "", re.compile(start + stands + value), sign=sign, from_sign=stands + value
    )


PATTERNS = (
    Pattern(
        "private key",
        "-----BEGIN",
        re.compile(
            r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
            r"[^-]*(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----|-{0,5})"
        ),
    ),
    _named("AWS secret key", "secret_access_key secret_key", FORTY),
    _named("AWS secret key", "aws_secret", FORTY),
    _named("AWS session token", "session_token security_token", r"[a-z0-9/+=%]{80,8192}"),
    _begun("AWS Bedrock key", "ABS", "K", r"[A-Za-z0-9+/]{40,400}={0,2}"),
    _begun("GitHub token", "gh[pousr]", "_", r"[A-Za-z0-9]{36,255}"),
    _begun("GitHub token", "github_pat", "_", r"[A-Za-z0-9_]{22,255}"),
    _begun("GitLab token", "glpat", "-", r"[A-Za-z0-9_-]{20,100}"),
    _begun("JWT", "ey", "J", r"[A-Za-z0-9_-]{8,4096}\.eyJ[A-Za-z0-9_-]{4,16384}\.[A-Za-z0-9_-]*"),
    _begun("Vault token", "hv[sbr]", r"\.", r"[A-Za-z0-9_-]{20,500}"),
    _bare("Vault token", "s", r"\.", r"[A-Za-z0-9]{24,26}(?![A-Za-z0-9_.-])"),
    _bare("Vault token", "b", r"\.", r"[A-Za-z0-9]{24,26}(?![A-Za-z0-9_.-])"),
    _begun("Slack token", "xox[abeoprs]", "-", r"[A-Za-z0-9-]{10,250}"),
    _begun("Slack token", "xapp", "-", r"[A-Za-z0-9-]{10,250}"),
    _begun("Slack token", r"hooks\.slack", r"\.", r"com/services/[A-Za-z0-9/]{20,100}"),
    _named(
        "Azure account key",
        "account_key access_key storage_key primary_key secondary_key",
        r"(?:[a-z0-9/+]{86}==|[a-z0-9/+]{43}=)",
    ),
    _begun("Azure signature", "sig", "=", r"[A-Za-z0-9/+%]{40,100}(?:%3D|=)", is_after=True),
    Pattern(
        "Azure client secret",
        "~",
        re.compile(r"(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,34}(?![\w~.-])"),
    ),
    _named("client secret", "client_secret", rf"[^{VALUE_END}]{{12,200}}"),
    _bare("provider key", "sk", "-", r"[A-Za-z0-9_-]{20,250}"),
    _begun("provider key", "[sr]k_live", "_", r"[A-Za-z0-9]{16,250}"),
    _begun("Google API key", "AI", "z", r"a[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    _begun("Google token", "ya29", r"\.", r"[A-Za-z0-9_-]{20,2048}"),
    _begun("Hugging Face token", "hf", "_", r"[A-Za-z0-9]{30,60}"),
    _begun("npm token", "npm", "_", r"[A-Za-z0-9]{36}"),
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
    _named("password", "password", rf"[^{VALUE_END}]{{4,200}}", gate="pass"),
    _named("password", "passwd", rf"[^{VALUE_END}]{{4,200}}", gate="pass"),
    _named("password", "passphrase", rf"[^{VALUE_END}]{{4,200}}", gate="pass"),
    _named("password", "pwd", rf"[^{VALUE_END}]{{4,200}}"),
    _named("API key", "api_key", r"[a-z0-9._~+/=-]{16,8192}"),
    _named(
        "API key",
        "access_token refresh_token auth_token vault_token",
        r"[a-z0-9._~+/=-]{16,8192}",
    ),
)


def _signs() -> re.Pattern[str]:
    """Whether there is any secret known by how it begins, looked for by its sign."""
    signs: dict[str, list[str]] = {}
    for pattern in PATTERNS:
        if pattern.sign:
            signs.setdefault(pattern.sign, []).append(pattern.from_sign)
    return re.compile("|".join(f"{sign}(?:{'|'.join(told)})" for sign, told in signs.items()))


SIGNS = _signs()


def scrubbed(text: str) -> tuple[str, int]:
    """The text with a marker, naming the kind, for each secret; and how many there were."""
    return _scrubbed(text, _possible(text))


def scrubber_of(texts: Sequence[str]) -> Callable[[str], str] | None:
    """What takes secrets out of any of these texts; None where there is none in all of them."""
    possible = _possible("\n".join(texts))
    if not possible:
        return None
    return lambda text: _scrubbed(text, possible)[0]


def _possible(text: str) -> tuple[Pattern, ...]:
    padded = " " + text
    lowered = _lowered(padded)
    gates: dict[str, bool] = {"": SIGNS.search(padded) is not None}
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
