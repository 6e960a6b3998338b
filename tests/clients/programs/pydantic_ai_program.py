"""Pydantic AI, with models of its prefix `openai:`."""

import asyncio

from pydantic_ai import Agent


def weather(city: str) -> str:
    """The weather of a city."""
    return f"cold in {city}"


async def main() -> None:
    async with Agent("openai:gpt-4o-mini").run_stream("hello") as result:
        print("".join([piece async for piece in result.stream_text(delta=True)]))
    agent = Agent("openai:gpt-4o", tools=[weather])
    print((await agent.run("weather in Oslo?")).output)
    try:
        await Agent("openai:gpt-4.1").run("hello")
    except Exception as error:
        print("refused", error)
    try:
        async with Agent("openai:gpt-4.1-mini").run_stream("hello") as result:
            async for _ in result.stream_text(delta=True):
                pass
    except Exception as error:
        print("broken", error)


asyncio.run(main())
