"""Everything that a user of the official `openai` package for Python sees: one JSON object on standard output, a scenario each.

Environment: MAGIC_BASE (no /v1), MAGIC_MODEL (of the little model of `tests/src/vendors`). Times and ids are left out: what is
left must be the same wherever the model lies.
"""

import io
import json
import os
import traceback

import openai
import pydantic

MODEL = os.environ["MAGIC_MODEL"]
# A retry of the client's own would hide what it was answered first.
client = openai.OpenAI(base_url=os.environ["MAGIC_BASE"] + "/v1", api_key="sk-wire-client", max_retries=0, timeout=60)

WEATHER = {"type": "object", "properties": {"city": {"type": "string"}, "unit": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "function": {"name": "get_weather", "description": "The weather", "parameters": WEATHER}}]
FLAT_TOOLS = [{"type": "function", "name": "get_weather", "description": "The weather", "parameters": WEATHER, "strict": False}]
PICTURE = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
ONE, BOTH, STEPS = "weather in Zürich", "weather in Zürich and Reykjavík", "do it step by step"


class Town(pydantic.BaseModel):
    city: str
    degrees: int
    tags: list[str]


def user(text):
    return [{"role": "user", "content": text}]


def usage(of):
    details = of and of.prompt_tokens_details
    return of and [of.prompt_tokens, of.completion_tokens, of.total_tokens, details and details.cached_tokens]


def flat_usage(of):
    return of and [of.input_tokens, of.output_tokens, of.total_tokens, of.input_tokens_details.cached_tokens]


def calls(of):
    return [{"name": c.function.name, "arguments": json.loads(c.function.arguments), "id": bool(c.id)} for c in of or []]


def seen(reply):
    choice = reply.choices[0]
    message = choice.message
    return {
        "object": reply.object,
        "role": message.role,
        "text": message.content or "",
        "reasoning": getattr(message, "reasoning_content", None) or "",
        "calls": calls(message.tool_calls),
        "finish": choice.finish_reason,
        "usage": usage(reply.usage),
    }


def create(messages, **more):
    return client.chat.completions.create(model=MODEL, messages=messages, **more)


def chat(messages, **more):
    return seen(create(messages, **more))


def streamed(messages, **more):
    """Put together by hand, as most programs do."""
    found = {"text": "", "reasoning": "", "calls": {}, "finish": None, "usage": None, "role": None, "pieces": 0, "raised": None}
    try:
        for chunk in create(messages, stream=True, stream_options={"include_usage": True}, **more):
            found["usage"] = usage(chunk.usage) or found["usage"]
            for choice in chunk.choices:
                delta = choice.delta
                found["role"] = delta.role or found["role"]
                found["text"] += delta.content or ""
                found["reasoning"] += getattr(delta, "reasoning_content", None) or ""
                found["pieces"] += bool(delta.content)
                found["finish"] = choice.finish_reason or found["finish"]
                for call in delta.tool_calls or []:
                    known = found["calls"].setdefault(call.index, {"name": "", "arguments": "", "id": False})
                    known["name"] += call.function.name or ""
                    known["arguments"] += call.function.arguments or ""
                    known["id"] = known["id"] or bool(call.id)
    except openai.APIError as error:
        found["raised"] = raised(error)
    found["calls"] = [{**call, "arguments": json.loads(call["arguments"])} for _, call in sorted(found["calls"].items())]
    found["pieces"] = found["pieces"] > 1
    return found


def accumulated(messages, **more):
    """By the client's own helper, which is strict about the order of events."""
    kinds = []
    with client.chat.completions.stream(
        model=MODEL, messages=messages, stream_options={"include_usage": True}, **more
    ) as stream:
        for event in stream:
            if event.type != "chunk" and (not kinds or kinds[-1] != event.type):
                kinds.append(event.type)
        return {**seen(stream.get_final_completion()), "kinds": kinds}


def conversation(question, results, stream):
    """As long as the model calls tools: each call gets the next results, in one turn or several."""
    messages, turns, results = user(question), [], iter(results)
    while len(turns) < 5:
        if stream:
            with client.chat.completions.stream(model=MODEL, messages=messages, tools=TOOLS) as one:
                message = one.get_final_completion().choices[0].message
        else:
            message = create(messages, tools=TOOLS).choices[0].message
        turns.append({"text": message.content or "", "calls": calls(message.tool_calls)})
        if not message.tool_calls:
            break
        messages.append({"role": "assistant", "content": message.content, "tool_calls": [c.to_dict() for c in message.tool_calls]})
        # As they come: the SDK's own object has a field `parsed_arguments` that no vendor knows.
        for call in messages[-1]["tool_calls"]:
            call["function"].pop("parsed_arguments", None)
        messages += [{"role": "tool", "tool_call_id": c.id, "content": next(results)} for c in message.tool_calls]
    return turns


def schema(stream):
    asked = {"model": MODEL, "messages": user("as JSON, please"), "response_format": Town}
    if stream:
        with client.chat.completions.stream(**asked) as events:
            reply = events.get_final_completion()
    else:
        reply = client.chat.completions.parse(**asked)
    parsed = reply.choices[0].message.parsed
    return {"parsed": parsed and parsed.model_dump(), "finish": reply.choices[0].finish_reason}


def vision():
    parts = [{"type": "text", "text": "What is in the picture?"}, {"type": "image_url", "image_url": {"url": PICTURE}}]
    return chat([{"role": "user", "content": parts}])


def legacy(stream):
    reply = client.completions.create(model=MODEL, prompt="Hello", stream=stream)
    if stream:
        chunks = [chunk.choices[0] for chunk in reply if chunk.choices]
        return {"text": "".join(c.text for c in chunks), "finish": next(c.finish_reason for c in chunks if c.finish_reason)}
    return {"text": reply.choices[0].text, "finish": reply.choices[0].finish_reason, "usage": usage(reply.usage)}


def embeddings(**more):
    reply = client.embeddings.create(model=MODEL, input=["Zürich", "b"], **more)
    return {"object": reply.object, "vectors": [one.embedding[:4] for one in reply.data], "index": [one.index for one in reply.data]}


def speech():
    reply = client.audio.speech.create(model=MODEL, voice="alloy", input="Say it", response_format="wav")
    content = reply.read()
    return {"length": len(content), "header": content[:4].decode("latin-1"), "samples": sum(content[44:])}


def transcription():
    spoken = io.BytesIO(client.audio.speech.create(model=MODEL, voice="alloy", input="Say it", response_format="wav").read())
    return {"text": client.audio.transcriptions.create(model=MODEL, file=("a.wav", spoken)).text}


def image():
    return {"image": client.images.generate(model=MODEL, prompt="A crab").data[0].b64_json}


def moderation():
    reply = client.moderations.create(model=MODEL, input="something forbidden").results[0]
    return {"flagged": reply.flagged, "violence": reply.category_scores.violence}


def response_seen(reply):
    found = {
        "object": reply.object,
        "status": reply.status,
        "text": reply.output_text,
        "reasoning": "",
        "calls": [],
        "usage": flat_usage(reply.usage),
        "id": reply.id.split("_")[0],
        "why": reply.incomplete_details and reply.incomplete_details.reason,
    }
    for item in reply.output:
        if item.type == "function_call":
            found["calls"].append({"name": item.name, "arguments": json.loads(item.arguments), "id": bool(item.call_id)})
        elif item.type == "reasoning":
            found["reasoning"] += "".join(part.text for part in item.summary)
    return found


def respond(text, **more):
    return client.responses.create(model=MODEL, input=text, **more)


def response_streamed(text, **more):
    kinds, deltas, numbers = [], "", []
    with client.responses.stream(model=MODEL, input=text, **more) as stream:
        for event in stream:
            if not kinds or kinds[-1] != event.type:
                kinds.append(event.type)
            numbers.append(event.sequence_number)
            if event.type == "response.output_text.delta":
                deltas += event.delta
        final = response_seen(stream.get_final_response())
    return {**final, "kinds": kinds, "deltas": deltas, "in_order": numbers == sorted(set(numbers))}


def response_tools():
    first = respond(BOTH, tools=FLAT_TOOLS)
    called = [item for item in first.output if item.type == "function_call"]
    results = [{"type": "function_call_output", "call_id": c.call_id, "output": f"{n + 20} C"} for n, c in enumerate(called)]
    second = respond(results, tools=FLAT_TOOLS, previous_response_id=first.id)
    return [response_seen(first), response_seen(second)]


def response_state():
    first = respond("My name is Zoë")
    second = respond("What have I said first?", previous_response_id=first.id)
    third = respond("And again: what have I said first?", previous_response_id=second.id)
    kept = client.responses.retrieve(second.id)
    client.responses.delete(second.id)
    return {
        "second": response_seen(second),
        "names_its_previous": second.previous_response_id == first.id,
        "third": third.output_text,
        "retrieved": kept.output_text,
        "after_delete": attempt(lambda: client.responses.retrieve(second.id).status),
        "unknown_previous": attempt(lambda: respond("Hello", previous_response_id="resp_nobody").status),
    }


def response_schema():
    reply = client.responses.parse(model=MODEL, input="as JSON, please", text_format=Town)
    return {"parsed": reply.output_parsed and reply.output_parsed.model_dump()}


def cancelled():
    """Left in the middle; the test looks at what the vendor noticed."""
    text = ""
    with create(user("endless, one"), stream=True) as stream:
        for chunk in stream:
            text += (chunk.choices and chunk.choices[0].delta.content) or ""
            if len(text) >= 6:
                break
    return {"text": text}


def timed_out():
    return client.with_options(timeout=0.5).chat.completions.create(model=MODEL, messages=user("endless, two")).id


def raised(error):
    return {
        "class": type(error).__name__,
        "status": getattr(error, "status_code", None),
        "message": (getattr(error, "body", None) or {}).get("message", error.message),
        "code": error.code,
        "type": error.type,
        "param": error.param,
    }


def attempt(scenario):
    try:
        return scenario()
    except openai.APIError as error:
        return {"raised": raised(error)}
    except Exception:  # noqa: BLE001 - what breaks the client is what this looks for
        return {"crashed": traceback.format_exc().strip().splitlines()[-1]}


SCENARIOS = {
    "chat": lambda: chat(user("Hello")),
    "system": lambda: chat([{"role": "system", "content": "Be kind — “é”"}, *user("your system prompt?")]),
    "stream": lambda: streamed(user("Hello")),
    "stream_helper": lambda: accumulated(user("Hello")),
    "reasoning": lambda: chat(user("ponder this")),
    "reasoning_stream": lambda: streamed(user("ponder this")),
    "length": lambda: chat(user("at length"), max_tokens=2),
    "length_stream": lambda: streamed(user("at length"), max_tokens=2),
    "filtered": lambda: chat(user("forbidden")),
    "filtered_stream": lambda: streamed(user("forbidden")),
    "tool": lambda: chat(user(ONE), tools=TOOLS),
    "tool_stream": lambda: streamed(user(ONE), tools=TOOLS),
    "tool_helper": lambda: accumulated(user(ONE), tools=TOOLS),
    "tool_answer": lambda: conversation(ONE, ["21 C, sunny"], False),
    "tool_turns": lambda: conversation(STEPS, ["one", "two"], False),
    "tool_turns_stream": lambda: conversation(STEPS, ["one", "two"], True),
    "parallel": lambda: chat(user(BOTH), tools=TOOLS),
    "parallel_stream": lambda: streamed(user(BOTH), tools=TOOLS),
    "parallel_helper": lambda: accumulated(user(BOTH), tools=TOOLS),
    "parallel_answer": lambda: conversation(BOTH, ["21 C", "3 C"], False),
    "parallel_answer_stream": lambda: conversation(BOTH, ["21 C", "3 C"], True),
    "tool_forced": lambda: chat(user("Hello"), tools=TOOLS, tool_choice={"type": "function", "function": {"name": "get_weather"}}),
    "schema": lambda: schema(False),
    "schema_stream": lambda: schema(True),
    "vision": vision,
    "legacy": lambda: legacy(False),
    "legacy_stream": lambda: legacy(True),
    "embeddings": embeddings,
    "embeddings_float": lambda: embeddings(encoding_format="float"),
    "speech": speech,
    "transcription": transcription,
    "image": image,
    "moderation": moderation,
    "response": lambda: response_seen(respond("Hello")),
    "response_stream": lambda: response_streamed("Hello"),
    "response_reasoning": lambda: response_seen(respond("ponder this")),
    "response_reasoning_stream": lambda: response_streamed("ponder this"),
    "response_length": lambda: response_seen(respond("at length")),
    "response_tools": response_tools,
    "response_tools_stream": lambda: response_streamed(BOTH, tools=FLAT_TOOLS),
    "response_state": response_state,
    "response_schema": response_schema,
    "response_instructions": lambda: response_seen(respond("your system prompt?", instructions="Be brief")),
    "bad_request": lambda: chat(user("bad request")),
    "bad_request_stream": lambda: streamed(user("bad request")),
    "response_bad_request": lambda: response_seen(respond("bad request")),
    "too_long": lambda: chat(user("too long")),
    "breaks_off": lambda: streamed(user("breaks off")),
    "cancelled": cancelled,
    "timed_out": timed_out,
    "broken": lambda: chat(user("broken")),
    # The last one: it costs the key that was used.
    "busy": lambda: chat(user("busy")),
}
print(json.dumps({name: attempt(scenario) for name, scenario in SCENARIOS.items()}))
