"""What a JSON reader said of a file, as people read it."""


def why_broken(error: Exception) -> str:
    """The reader's sentence. It goes on with the text there, and comes as bytes where that is no
    UTF-8: neither is for who reads it.
    """
    told = error.args[0] if len(error.args) == 1 else str(error)
    text = told.decode(errors="replace") if isinstance(told, bytes) else str(told)
    first = next(iter(text.splitlines()), "")
    return first[:200].rstrip(". ") or "it breaks off"
