"""The Agents SDK of OpenAI, as its documentation shows it."""

import asyncio

from agents import Agent, Runner, function_tool


@function_tool
def weather(city: str) -> str:
    """The weather of a city."""
    return f"cold in {city}"


async def main() -> None:
    streaming = Runner.run_streamed(Agent(name="A", model="gpt-4o-mini"), "hello")
    text = ""
    async for event in streaming.stream_events():
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
            text += event.data.delta
    print(text)
    result = await Runner.run(Agent(name="A", model="gpt-4o", tools=[weather]), "weather in Oslo?")
    print(result.final_output)
    try:
        await Runner.run(Agent(name="A", model="gpt-4.1"), "hello")
    except Exception as error:
        print("refused", error)
    streaming = Runner.run_streamed(Agent(name="A", model="gpt-4.1-mini"), "hello")
    try:
        async for _ in streaming.stream_events():
            pass
    except Exception as error:
        print("broken", error)


asyncio.run(main())
