"""Whole numbers that come as text out of an address or a form."""

LARGEST = 2**63 - 1  # of a bigint


def whole_number(text: str) -> int | None:
    """The number that a key or a count can be; None for anything else."""
    if not text.isdecimal() or len(text) > len(str(LARGEST)):
        return None
    number = int(text)
    return number if number <= LARGEST else None


def whole_numbers(texts: list[str]) -> list[int]:
    """Those of the texts that are such numbers."""
    return [number for text in texts if (number := whole_number(text)) is not None]
