"""What the official `openai` package for Python sees of a gateway: one JSON object on standard output, for the test to judge.

Environment: MAGIC_BASE, MAGIC_PLAIN and MAGIC_REASONING (aliases), MAGIC_QUESTION, MAGIC_CUT (an alias that breaks off, or nothing).
"""

import json
import os

import openai

PLAIN = os.environ["MAGIC_PLAIN"]
REASONING = os.environ["MAGIC_REASONING"]
MESSAGES = [{"role": "user", "content": os.environ["MAGIC_QUESTION"]}]
# A retry of the client's own would hide what the gateway said.
client = openai.OpenAI(
    base_url=os.environ["MAGIC_BASE"] + "/v1", api_key="none", max_retries=0, timeout=600
)


def models():
    return {"ids": [model.id for model in client.models.list()], "one": client.models.retrieve(PLAIN).id}


def whole(alias, **more):
    reply = client.chat.completions.create(model=alias, messages=MESSAGES, **more)
    choice = reply.choices[0]
    return {
        "object": reply.object,
        "role": choice.message.role,
        "content": choice.message.content,
        "reasoning": getattr(choice.message, "reasoning_content", None) or "",
        "finish_reason": choice.finish_reason,
        "total_tokens": reply.usage.total_tokens,
    }


def streamed(alias, **more):
    seen = {"content": "", "reasoning": "", "pieces": 0, "finish_reason": None, "total_tokens": None, "raised": None}
    try:
        for chunk in client.chat.completions.create(
            model=alias, messages=MESSAGES, stream=True, stream_options={"include_usage": True}, **more
        ):
            if chunk.usage is not None:
                seen["total_tokens"] = chunk.usage.total_tokens
            for choice in chunk.choices:
                content = choice.delta.content or ""
                reasoning = getattr(choice.delta, "reasoning_content", None) or ""
                seen["content"] += content
                seen["reasoning"] += reasoning
                seen["pieces"] += bool(content or reasoning)
                seen["finish_reason"] = choice.finish_reason or seen["finish_reason"]
    except openai.APIError as error:
        seen["raised"] = error.message
    return seen


def refused():
    try:
        client.chat.completions.create(model="no-such-model", messages=MESSAGES)
    except openai.NotFoundError as error:
        return {"class": type(error).__name__, "status": error.status_code, "message": error.message, "code": error.code}
    return None


seen = {
    "models": models(),
    "chat": whole(PLAIN, max_tokens=24),
    "stream": streamed(PLAIN, max_tokens=24),
    "not_found": refused(),
    "reasoning": streamed(REASONING),
    "reasoning_whole": whole(REASONING),
    "cut": streamed(os.environ["MAGIC_CUT"]) if os.environ.get("MAGIC_CUT") else None,
}
print(json.dumps(seen))
