"""Turns what this interpreter does not have into exceptions that say so. The walls themselves are the host's: whoever
gets past these texts finds no file, no environment, no network, and a wall clock that stands."""

import builtins
import io
import linecache
import random
import sys
import time
import types
import warnings

from interpreter import modules

SEED = 0


def install():
    """Once, while the component is made: every call starts from what is left here."""
    # The datetime written in C asks the clock where nobody can stand in between.
    sys.modules["_datetime"] = None
    import _pydatetime

    _pydatetime._time = _without_clock()
    modules.load()
    builtins.__import__ = modules.import_for_cell
    builtins.open = io.open = _refusing(PermissionError, "open(): there are no files here; put the data into the code")
    builtins.input = _refusing(EOFError, "input(): nobody answers here; put the values into the code")
    builtins.breakpoint = _refusing(RuntimeError, "breakpoint(): there is no debugger here; print instead")
    _make_chance_repeat()
    # Tracebacks would look for the library's sources in files.
    linecache.checkcache = lambda filename=None: None
    linecache.updatecache = lambda filename, module_globals=None: []
    # A warning is for whoever keeps the code, and nobody keeps a cell.
    warnings.filterwarnings("ignore")
    # Time is bounded from outside, and 4300 digits are fewer than people ask for.
    sys.set_int_max_str_digits(0)


def _refusing(kind, text):
    def refuse(*args, **kwargs):
        raise kind(text)

    return refuse


def _without_clock():
    names = {name: getattr(time, name) for name in dir(time) if not name.startswith("_")}
    names["time"] = _refusing(RuntimeError, "there is no clock here: put the date into the code, or ask another tool")
    return types.SimpleNamespace(**names)


def _make_chance_repeat():
    seed = random.Random.seed

    def seed_alike(self, a=None, version=2):
        seed(self, SEED if a is None else a, version)

    random.Random.seed = seed_alike
    random.SystemRandom = random.Random
