"""Runs one cell after those before it, and tells what came of it. Knows neither components nor sessions."""

import ast
import linecache
import random
import sys
import traceback
import types

from interpreter.denials import SEED
from interpreter.output import Output, sendable

# The end of a traceback is what helps; the host keeps 8 KiB of an error.
TRACEBACK_CHARACTERS_MAX = 3_000
PRINTED_BEFORE_CHARACTERS_MAX = 2_000
_OWN_FOLDER = __file__.rpartition("/")[0]
SILENT = "(nothing was printed: print what you want to see)"


class NotPython(Exception):
    """The cell does not compile; nothing of it ran."""


class Raised(Exception):
    """The cell ended with an exception; what it defined before stays."""


def run(code, earlier=()):
    """The text that the cell printed, or its last expression's value. Raises `NotPython` or `Raised`, with the text for
    whoever wrote it."""
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    random.seed(SEED)
    for number, before in enumerate(earlier, 1):
        _again(before, f"<cell {number}>", main.__dict__)
    name = f"<cell {len(earlier) + 1}>" if earlier else "<cell>"
    output = Output()
    try:
        steps = _compiled(code, name)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise NotPython(sendable(_told(error, with_stack=False))) from None
    try:
        value = _carried_out(steps, main.__dict__, output)
    except BaseException as error:
        if not isinstance(error, SystemExit) or error.code not in (None, 0):
            raise Raised(sendable(_printed_before(output) + _told(error))) from None
        value = None
    return sendable(output.text() or value or SILENT)


def _again(code, name, names):
    try:
        _carried_out(_compiled(code, name), names, Output())
    except BaseException:
        # It raised the first time, too, and the model was told then.
        pass


def _compiled(code, name):
    """What to execute, and the last expression to evaluate, if there is one."""
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    tree = ast.parse(code, name)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = compile(ast.Expression(tree.body.pop().value), name, "eval")
    return compile(tree, name, "exec"), last


def _carried_out(steps, names, output):
    body, last = steps
    sys.stdout = sys.stderr = output
    exec(body, names)
    value = eval(last, names) if last is not None else None
    if value is None or output.text():
        return None
    # By way of the output, so that a long one is cut.
    output.write(repr(value))
    return output.text()


def _told(error, with_stack=True):
    told = traceback.TracebackException.from_exception(error)
    _leave_out_own_frames(told)
    text = "".join(told.format() if with_stack else told.format_exception_only()).strip()
    if len(text) > TRACEBACK_CHARACTERS_MAX:
        text = "[...]" + text[-TRACEBACK_CHARACTERS_MAX:]
    return text


def _leave_out_own_frames(told):
    if told is not None:
        told.stack[:] = [frame for frame in told.stack if not frame.filename.startswith(_OWN_FOLDER)]
        _leave_out_own_frames(told.__cause__)
        _leave_out_own_frames(told.__context__)


def _printed_before(output):
    text = output.text()
    if not text:
        return ""
    if len(text) > PRINTED_BEFORE_CHARACTERS_MAX:
        text = "[...]" + text[-PRINTED_BEFORE_CHARACTERS_MAX:]
    return f"Printed before the error:\n{text.rstrip()}\n\n"
