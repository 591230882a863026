"""Everything that a user of the official `anthropic` package for Python sees: one JSON object on standard output, a scenario each.

Environment: MAGIC_BASE, MAGIC_MODEL (of the little model of `tests/src/vendors`). Times and ids are left out: what is left
must be the same wherever the model lies.
"""

import json
import os
import traceback

import anthropic
import pydantic

MODEL = os.environ["MAGIC_MODEL"]
# A retry of the client's own would hide what it was answered first.
client = anthropic.Anthropic(base_url=os.environ["MAGIC_BASE"], api_key="sk-wire-client", max_retries=0, timeout=60)

WEATHER = {"type": "object", "properties": {"city": {"type": "string"}, "unit": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"name": "get_weather", "description": "The weather", "input_schema": WEATHER}]
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
ONE, BOTH, STEPS = "weather in Zürich", "weather in Zürich and Reykjavík", "do it step by step"


class Town(pydantic.BaseModel):
    city: str
    degrees: int
    tags: list[str]


def user(text):
    return [{"role": "user", "content": text}]


def asked(messages, more):
    return {"model": MODEL, "max_tokens": 64, "messages": messages, **more}


def block(of):
    match of.type:
        case "text":
            return {"text": of.text}
        case "thinking":
            return {"thinking": of.thinking, "signed": bool(of.signature)}
        case "tool_use":
            return {"tool": of.name, "input": of.input, "id": bool(of.id)}
        case other:
            return {"type": other}


def seen(message):
    usage = message.usage
    return {
        "type": message.type,
        "role": message.role,
        "id": message.id.split("_")[0],
        "content": [block(one) for one in message.content],
        "stop": message.stop_reason,
        "usage": [usage.input_tokens, usage.output_tokens, usage.cache_read_input_tokens],
    }


def chat(messages, **more):
    return seen(client.messages.create(**asked(messages, more)))


def note(kinds, event):
    """The order of the events on the wire; in how many pieces something comes is the vendor's own affair, and so is a ping."""
    if event.type.startswith(("message_", "content_block_")) and kinds[-1:] != [event.type]:
        kinds.append(event.type)


def streamed(messages, **more):
    """By the client's own helper, which is strict about the order of events."""
    kinds, text, found = [], "", None
    try:
        with client.messages.stream(**asked(messages, more)) as stream:
            for event in stream:
                note(kinds, event)
                if event.type == "text":
                    text += event.text
            found = stream.get_final_message()
    except anthropic.APIError as error:
        return {"kinds": kinds, "text": text, "raised": raised(error)}
    return {**seen(found), "kinds": kinds, "text": text}


def raw_stream(messages, **more):
    """The events as they stand, without the helper."""
    kinds = []
    for event in client.messages.create(stream=True, **asked(messages, more)):
        note(kinds, event)
    return {"kinds": kinds}


def conversation(question, results, stream=False, **more):
    """As long as the model calls tools: each call gets the next results, in one turn or several."""
    messages, turns, results = user(question), [], iter(results)
    while len(turns) < 5:
        if stream:
            with client.messages.stream(**asked(messages, {"tools": TOOLS, **more})) as events:
                message = events.get_final_message()
        else:
            message = client.messages.create(**asked(messages, {"tools": TOOLS, **more}))
        turns.append([block(one) for one in message.content])
        called = [one for one in message.content if one.type == "tool_use"]
        if not called:
            break
        messages.append({"role": "assistant", "content": message.content})
        results_now = [{"type": "tool_result", "tool_use_id": one.id, "content": next(results)} for one in called]
        messages.append({"role": "user", "content": results_now})
    return turns


def thinking_turns():
    """What was thought goes back with its signature."""
    first = client.messages.create(**asked(user("ponder this"), THINKING))
    messages = [*user("ponder this"), {"role": "assistant", "content": first.content}, *user("what have I said first?")]
    return [seen(first), seen(client.messages.create(**asked(messages, THINKING)))]


def schema():
    reply = client.messages.parse(**asked(user("as JSON, please"), {"output_format": Town}))
    return {"parsed": reply.parsed_output and reply.parsed_output.model_dump(), "stop": reply.stop_reason}


def vision():
    source = {"type": "base64", "media_type": "image/png", "data": PICTURE}
    parts = [{"type": "text", "text": "What is in the picture?"}, {"type": "image", "source": source}]
    return chat([{"role": "user", "content": parts}])


def count():
    return {"input_tokens": client.messages.count_tokens(model=MODEL, messages=user("Hello")).input_tokens}


def cancelled():
    """Left in the middle; the test looks at what the vendor noticed."""
    text = ""
    with client.messages.stream(**asked(user("endless, one"), {})) as stream:
        for piece in stream.text_stream:
            text += piece
            if len(text) >= 6:
                break
    return {"text": text}


def timed_out():
    return client.with_options(timeout=0.5).messages.create(**asked(user("endless, two"), {})).id


def raised(error):
    body = getattr(error, "body", None)
    inner = body.get("error") if isinstance(body, dict) else None
    return {
        "class": type(error).__name__,
        "status": getattr(error, "status_code", None),
        "message": inner["message"] if inner else error.message,
        "type": inner["type"] if inner else None,
    }


def attempt(scenario):
    try:
        return scenario()
    except anthropic.APIError as error:
        return {"raised": raised(error)}
    except Exception:  # noqa: BLE001 - what breaks the client is what this looks for
        return {"crashed": traceback.format_exc().strip().splitlines()[-1]}


THINKING = {"max_tokens": 2048, "thinking": {"type": "enabled", "budget_tokens": 1024}}
SCENARIOS = {
    "chat": lambda: chat(user("Hello")),
    "system": lambda: chat(user("your system prompt?"), system=[{"type": "text", "text": "Be kind — “é”"}]),
    "stream": lambda: streamed(user("Hello")),
    "stream_events": lambda: raw_stream(user("Hello")),
    "thinking": lambda: chat(user("ponder this"), **THINKING),
    "thinking_stream": lambda: streamed(user("ponder this"), **THINKING),
    "thinking_turns": thinking_turns,
    "length": lambda: chat(user("at length"), max_tokens=2),
    "length_stream": lambda: streamed(user("at length"), max_tokens=2),
    "filtered": lambda: chat(user("forbidden")),
    "filtered_stream": lambda: streamed(user("forbidden")),
    "tool": lambda: chat(user(ONE), tools=TOOLS),
    "tool_stream": lambda: streamed(user(ONE), tools=TOOLS),
    "tool_answer": lambda: conversation(ONE, ["21 C, sunny"]),
    "tool_turns": lambda: conversation(STEPS, ["one", "two"]),
    "tool_turns_stream": lambda: conversation(STEPS, ["one", "two"], stream=True),
    "parallel": lambda: chat(user(BOTH), tools=TOOLS),
    "parallel_stream": lambda: streamed(user(BOTH), tools=TOOLS),
    "parallel_answer": lambda: conversation(BOTH, ["21 C", "3 C"]),
    "parallel_answer_stream": lambda: conversation(BOTH, ["21 C", "3 C"], stream=True),
    "tool_forced": lambda: chat(user("Hello"), tools=TOOLS, tool_choice={"type": "tool", "name": "get_weather"}),
    "schema": schema,
    "vision": vision,
    "count_tokens": count,
    "bad_request": lambda: chat(user("bad request")),
    "bad_request_stream": lambda: streamed(user("bad request")),
    "too_long": lambda: chat(user("too long")),
    "breaks_off": lambda: streamed(user("breaks off")),
    "cancelled": cancelled,
    "timed_out": timed_out,
    "broken": lambda: chat(user("broken")),
    # The last one: it costs the key that was used.
    "busy": lambda: chat(user("busy")),
}
print(json.dumps({name: attempt(scenario) for name, scenario in SCENARIOS.items()}))
