"""LlamaIndex's OpenAI or OpenAIResponses, as the argument says, alone and in an agent."""

import asyncio
import sys

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.llms import openai

OpenAI = getattr(openai, sys.argv[1])


def weather(city: str) -> str:
    """The weather of a city."""
    return f"cold in {city}"


async def main() -> None:
    print("".join(piece.delta for piece in OpenAI(model="gpt-4o-mini").stream_complete("hello")))
    print(await FunctionAgent(tools=[weather], llm=OpenAI(model="gpt-4o")).run("weather in Oslo?"))
    try:
        OpenAI(model="gpt-4.1").complete("hello")
    except Exception as error:
        print("refused", error)
    try:
        for _ in OpenAI(model="gpt-4.1-mini").stream_complete("hello"):
            pass
    except Exception as error:
        print("broken", error)


asyncio.run(main())
