// Node's `@anthropic-ai/sdk`, at endpoints that speak Anthropic's dialect and OpenAI's.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import Anthropic, * as sdk from "@anthropic-ai/sdk";

import { Proxy } from "./serving.js";

const messages = [{ role: "user", content: "What is a merit order?" }];
const SHORT = { "X-SLA-TTFT-Ms": "20000", "x-sandbox-answer-tokens": "60" };
const weather = {
  name: "weather",
  input_schema: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
    additionalProperties: false,
  },
};
const text = (message) =>
  message.content.filter((block) => block.type === "text").map((block) => block.text).join("");

async function all(stream) {
  const found = [];
  for await (const one of stream) found.push(one);
  return found;
}

let proxy;
before(async () => {
  proxy = await Proxy.start();
});
after(() => proxy.stop());

// A client whose requests are counted.
function client(headers = {}) {
  const sent = [];
  const counting = (url, init) => {
    sent.push(url);
    return fetch(url, init);
  };
  const made = new Anthropic({
    apiKey: "none", baseURL: proxy.root, defaultHeaders: { ...SHORT, ...headers }, fetch: counting,
  });
  return Object.assign(made, { sent });
}

for (const model of ["claude-sonnet-4", "deepseek-r1"]) {
  const asked = { model, max_tokens: 4000, messages };

  describe(`@anthropic-ai/sdk, ${model}`, { concurrency: 4, timeout: 60_000 }, () => {
    test("a whole message has text, usage and an end", async () => {
      const answer = await client().messages.create(asked);
      assert.ok(text(answer).trim());
      assert.equal(answer.stop_reason, "end_turn");
      assert.ok(answer.usage.input_tokens > 0 && answer.usage.output_tokens > 0);
      assert.match(answer._request_id, /^mo-/);
    });

    test("a stream adds up to the message", async () => {
      const stream = client().messages.stream(asked);
      let said = "";
      stream.on("text", (piece) => (said += piece));
      const final = await stream.finalMessage();
      assert.ok(said.trim());
      assert.equal(text(final), said);
      assert.equal(final.stop_reason, "end_turn");
    });

    test("a tool is called, and its result taken back", async () => {
      const tools = [weather];
      const first = await client().messages.create({
        ...asked, tools, tool_choice: { type: "any" },
      });
      const call = first.content.find((block) => block.type === "tool_use");
      assert.equal(call.name, "weather");
      assert.deepEqual(Object.keys(call.input), ["city"]);
      const result = { type: "tool_result", tool_use_id: call.id, content: "Rain." };
      const then = [
        ...messages,
        { role: "assistant", content: first.content },
        { role: "user", content: [result] },
      ];
      assert.ok(text(await client().messages.create({ ...asked, tools, messages: then })));
    });

    test("tokens are counted", async () => {
      const { input_tokens } = await client().messages.countTokens({ model, messages });
      assert.ok(input_tokens > 0 && input_tokens < 100);
    });

    test("it is listed", async () => {
      const listed = await all(client().models.list());
      assert.equal(listed.find((one) => one.id === model).type, "model");
    });

    test("a wrong bound is a bad request that names it", async () => {
      const wrong = client({ "X-SLA-TTFT-Ms": "1s" });
      await assert.rejects(wrong.messages.create(asked), (error) => {
        assert.ok(error instanceof sdk.BadRequestError);
        assert.match(error.error.error.param, /^x-sla-ttft-ms$/i);
        return true;
      });
      assert.equal(wrong.sent.length, 1);
    });

    test("what nobody can keep is refused once, with what would have worked", async () => {
      const strict = client({ "X-SLA-Max-Cost-USD": "0.0000001", "X-SLA-Mode": "strict" });
      await assert.rejects(strict.messages.create(asked), (error) => {
        assert.ok(error instanceof sdk.UnprocessableEntityError);
        assert.equal(error.error.error.availability.retryable, false);
        return true;
      });
      assert.equal(strict.sent.length, 1);
    });
  });
}
