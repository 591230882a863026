"""What a cell may import, and what is loaded when the component is made. There are no files later: what is not loaded
here is not there. Refuses to run anything."""

import builtins
import importlib

OFFERED = (
    "abc", "array", "base64", "binascii", "bisect", "calendar", "cmath", "collections", "contextlib", "copy", "csv",
    "dataclasses", "datetime", "decimal", "difflib", "enum", "fractions", "functools", "graphlib", "hashlib", "heapq",
    "html", "io", "itertools", "json", "keyword", "math", "numbers", "operator", "pprint", "random", "re", "statistics",
    "string", "struct", "sys", "textwrap", "types", "typing", "unicodedata", "weakref", "zlib",
)  # fmt: skip
# Imported by the standard library itself, late: from a function, or by the interpreter's own C code.
_LATE = (
    "_colorize", "_pylong", "_strptime", "annotationlib", "ast", "collections.abc", "encodings.ascii",
    "encodings.cp1252", "encodings.latin_1", "encodings.raw_unicode_escape", "encodings.unicode_escape",
    "encodings.utf_16", "encodings.utf_32", "encodings.utf_8_sig", "html.entities", "html.parser", "inspect",
    "json.scanner", "linecache", "locale", "tokenize", "traceback", "warnings",
)  # fmt: skip

_import = builtins.__import__


def load():
    """Imports everything that will ever be needed. A name that this Python lacks fails the build."""
    for name in OFFERED + _LATE:
        importlib.import_module(name)


def import_for_cell(name, globals=None, locals=None, fromlist=(), level=0):
    """`__import__`, but a cell gets only what is offered. The standard library's own imports pass, also the late
    ones that its C code does in the name of the cell."""
    top = name.partition(".")[0]
    if globals is not None and globals.get("__name__") == "__main__" and not (top in OFFERED or top in _LATE):
        raise ModuleNotFoundError(
            f"no module named {name!r} here: there are no files, no network, no clock and nothing can be installed. "
            f"Importable are {', '.join(OFFERED)}",
            name=name,
        )
    return _import(name, globals, locals, fromlist, level)
