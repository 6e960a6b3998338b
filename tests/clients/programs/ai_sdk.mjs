// The AI SDK of Vercel with its provider for OpenAI.
import { openai } from "@ai-sdk/openai";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const weather = tool({
  description: "The weather of a city.",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `cold in ${city}`,
});

let text = "";
for await (const piece of streamText({ model: openai("gpt-4o-mini"), prompt: "hello" }).textStream)
  text += piece;
console.log(text);
const asked = { model: openai("gpt-4o"), prompt: "weather in Oslo?", tools: { weather } };
console.log((await generateText({ ...asked, stopWhen: stepCountIs(5) })).text);
await generateText({ model: openai("gpt-4.1"), prompt: "hello" }).catch((error) =>
  console.log("refused", error.message),
);
const onError = ({ error }) => console.log("broken", error.message ?? error.error?.message ?? JSON.stringify(error));
const broken = streamText({ model: openai("gpt-4.1-mini"), prompt: "hello", onError });
await broken.consumeStream();
