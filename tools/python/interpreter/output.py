"""What a cell prints, bounded. Refuses to print anything anywhere."""

import io

# A model reads this at a cost, and 15 000 characters of four bytes each stay below the policy's 64 KiB.
CHARACTERS_MAX = 15_000


class Output(io.TextIOBase):
    """Stands in for stdout and stderr. Keeps the beginning and counts the rest."""

    def __init__(self):
        self._kept = []
        self._room = CHARACTERS_MAX
        self._dropped = 0

    def writable(self):
        return True

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() takes a str, not {type(text).__name__}")
        kept = text[: self._room]
        if kept:
            self._kept.append(kept)
            self._room -= len(kept)
        self._dropped += len(text) - len(kept)
        return len(text)

    def text(self):
        """What was printed, with a word on what was cut."""
        text = "".join(self._kept)
        if self._dropped:
            text += f"\n[cut: {self._dropped} more characters were printed]"
        return text


def sendable(text):
    """Half a surrogate pair is a Python string, but no text."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
