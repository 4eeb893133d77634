"""Making records ready one by one, where all at once met an error that nobody foresaw."""

from collections.abc import Callable, Sequence

from apps.activity.conventions.unforeseen import Odd, plainly, wordless
from apps.activity.headers import CHOSEN, Whose
from apps.activity.readings import Reading

type Told = tuple[Reading, Whose]


def made_anyhow[Row](
    make: Callable[[Sequence[Told]], list[Row]], told: Sequence[Told], *, is_held: bool
) -> list[Row]:
    """What `make` gives for each: as it is, else plainly, else without its words.

    Where its sender holds a record still, and may bring it in again, one of which no word can be
    kept is none: its error is raised.
    """
    odd, rows = Odd(), []
    for reading, whose in told:
        try:
            rows += make([(reading, whose)])
        except Exception as error:  # noqa: BLE001 - told of without what was sent
            odd.note(error)
            try:
                rows += make([(plainly(reading, CHOSEN), whose)])
            except Exception as further:
                if is_held:
                    raise
                odd.note(further)
                rows += make([(wordless(reading), whose)])
    odd.tell()
    return rows
