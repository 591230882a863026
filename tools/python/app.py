"""The tool `python` as a component: arguments in, text out, a session's cells in the host's store. What a cell means is
decided in `interpreter`."""

import gc
import json
import pathlib

from interpreter import denials

FOLDER = pathlib.Path(__file__).parent
DESCRIPTION = (FOLDER / "schema/description.md").read_text(encoding="utf-8").strip()
SCHEMA = (FOLDER / "schema/arguments.json").read_text(encoding="utf-8").strip()
NAME = "python"
# A session that said nothing for a day is over.
TTL_S = 86_400

denials.install()

from componentize_py_types import Err
from interpreter import cell
from interpreter.cells import Cells, Full
from wit_world import exports
from wit_world.imports import call_context, kv, types


class Toolbox(exports.Toolbox):
    def describe(self):
        # Not read-only: with `session`, later calls see what this one defined. Idempotent: it is kept under the call's key.
        return [types.ToolDefinition(NAME, DESCRIPTION, SCHEMA, None, types.ToolHints.IDEMPOTENT)]

    def call(self, name, arguments_json):
        if name != NAME:
            raise Err(types.ToolError_NotFound())
        arguments = json.loads(arguments_json)
        try:
            if arguments.get("session"):
                return types.ToolOutput(in_session(arguments["code"]), None)
            return types.ToolOutput(cell.run(arguments["code"]), None)
        except cell.NotPython as error:
            raise Err(types.ToolError_InvalidArguments(str(error))) from None
        except cell.Raised as error:
            raise Err(types.ToolError_Failed(str(error))) from None


def in_session(code):
    """Runs the cell after the session's earlier ones and remembers it, also when it raises: so do notebooks."""
    session, key = call_context.session_id(), call_context.idempotency_key()
    if session is None:
        raise Err(types.ToolError_InvalidArguments("`session` needs a reasoning session: leave it out"))
    place = f"cells/{session}"
    try:
        cells = Cells(kv.get(place))
        stored = cells.remember(key, code)
        try:
            return cell.run(code, cells.before(key))
        except cell.NotPython:
            stored = None
            raise
        finally:
            # After it ran: a cell that never ends would otherwise end every later one.
            if stored is not None:
                kv.set(place, stored, TTL_S)
    except Full as error:
        raise Err(types.ToolError_InvalidArguments(str(error))) from None
    except Err as error:
        raise Err(types.ToolError_Failed(f"the session's cells could not be kept: {error.value}")) from None


# What is here now is never garbage: a collection in a call looks at the call's own objects only.
gc.collect()
gc.freeze()
