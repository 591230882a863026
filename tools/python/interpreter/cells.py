"""The cells of one session, in order, and how they are kept: as their sources. Cells are deterministic, so running them
again brings their names back. Pure: the store is the caller's."""

import json

CELLS_MAX = 50
# A session of a model writes a few hundred characters a cell.
BYTES_MAX = 64 * 1024


class Full(Exception):
    """No more is remembered; the text is for the model."""


class Cells:
    """Invariant: a key is remembered once, so that a call repeated after a crash does not add its cell again."""

    def __init__(self, stored):
        self._cells = [tuple(cell) for cell in json.loads(stored)] if stored else []

    def before(self, key):
        """The sources that come before the call with this key."""
        return [code for _, code in self._cells[: self._place(key)]]

    def remember(self, key, code):
        """The form to store; None where the key is remembered already."""
        if self._place(key) < len(self._cells):
            return None
        stored = json.dumps(self._cells + [(key, code)]).encode()
        if len(self._cells) >= CELLS_MAX or len(stored) > BYTES_MAX:
            raise Full(
                f"this session remembers as much as it may ({CELLS_MAX} cells, {BYTES_MAX} bytes): call without "
                "`session`, with all that the code needs in it"
            )
        return stored

    def _place(self, key):
        keys = [known for known, _ in self._cells]
        return keys.index(key) if key is not None and key in keys else len(keys)
