"""OpenAI's client for Python, with a tool."""

import json

from openai import OpenAI

client = OpenAI()
messages = [{"role": "user", "content": "hello"}]
function = {"name": "weather", "parameters": {"type": "object", "properties": {}}}
tools = [{"type": "function", "function": function}]


def ask(model, messages=messages, **more):
    return client.chat.completions.create(model=model, messages=messages, **more)


print("".join(c.choices[0].delta.content or "" for c in ask("gpt-4o-mini", stream=True)))
called = ask("gpt-4o", tools=tools).choices[0].message
(call,) = called.tool_calls
result = f"cold in {json.loads(call.function.arguments)['city']}"
answered = {"role": "tool", "tool_call_id": call.id, "content": result}
print(ask("gpt-4o", [*messages, called, answered], tools=tools).choices[0].message.content)
try:
    ask("gpt-4.1")
except Exception as error:
    print("refused", error)
try:
    for _ in ask("gpt-4.1-mini", stream=True):
        pass
except Exception as error:
    print("broken", error)
