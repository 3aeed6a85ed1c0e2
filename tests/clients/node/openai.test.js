// Node's `openai`: version 7, and version 6, the last whose maker supports Node 20.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import * as openai6 from "openai-6";
import * as openai7 from "openai";

import { Proxy } from "./serving.js";

const model = "deepseek-r1";
const messages = [{ role: "user", content: "What is a merit order?" }];
const QUICK = { "X-SLA-TTFT-Ms": "20000" }; // without DeepSeek's own endpoint and its long wait
const weather = {
  type: "function",
  function: {
    name: "weather",
    parameters: {
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
      additionalProperties: false,
    },
  },
};
const text = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");

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

for (const [version, openai] of Object.entries({ 6: openai6, 7: openai7 })) {
  describe(`openai ${version}`, { concurrency: 4, timeout: 60_000 }, () => {
    // A client whose requests are counted.
    function client(more = {}) {
      const sent = [];
      const counting = (url, init) => {
        sent.push(url);
        return fetch(url, init);
      };
      const made = new openai.OpenAI({
        apiKey: "none", baseURL: proxy.url, defaultHeaders: QUICK, fetch: counting, ...more,
      });
      return Object.assign(made, { sent });
    }

    test("a whole answer has text, usage and an end", async () => {
      const answer = await client().chat.completions.create({ model, messages });
      assert.ok(answer.choices[0].message.content);
      assert.equal(answer.choices[0].finish_reason, "stop");
      assert.ok(answer.usage.completion_tokens > 0);
    });

    test("a stream gives text and hides the usage nobody asked for", async () => {
      const stream = await client().chat.completions.create({ model, messages, stream: true });
      const chunks = await all(stream);
      assert.ok(text(chunks).trim());
      assert.equal(chunks.at(-1).choices[0].finish_reason, "stop");
      assert.deepEqual(chunks.filter((chunk) => chunk.usage), []);
    });

    test("a stream ends with usage when it was asked for", async () => {
      const stream = await client().chat.completions.create({
        model, messages, stream: true, max_tokens: 30, stream_options: { include_usage: true },
      });
      const chunks = await all(stream);
      assert.deepEqual(chunks.at(-1).choices, []);
      assert.equal(chunks.at(-1).usage.completion_tokens, 30);
    });

    test("a tool is called whole and streamed", async () => {
      const asked = { model, messages, tools: [weather], tool_choice: "required" };
      const whole = await client().chat.completions.create(asked);
      assert.equal(whole.choices[0].message.tool_calls[0].function.name, "weather");
      const final = await client().chat.completions.stream(asked).finalChatCompletion();
      const call = final.choices[0].message.tool_calls[0];
      assert.equal(call.function.name, "weather");
      assert.deepEqual(Object.keys(JSON.parse(call.function.arguments)), ["city"]);
    });

    for (const model of ["deepseek-r1", "claude-sonnet-4"]) {
      test(`responses answer whole and streamed: ${model}`, async () => {
        const asked = { model, input: messages[0].content };
        const whole = await client().responses.create(asked);
        assert.equal(whole.status, "completed");
        assert.ok(whole.output_text);
        const stream = client().responses.stream(asked);
        const events = await all(stream);
        const final = await stream.finalResponse();
        assert.equal(events.at(0).type, "response.created");
        assert.equal(events.at(-1).type, "response.completed");
        const deltas = events.filter((event) => event.type === "response.output_text.delta");
        assert.equal(final.output_text, deltas.map((event) => event.delta).join(""));
        assert.ok(final.usage.output_tokens > 0);
      });

      test(`responses call a tool: ${model}`, async () => {
        const answer = await client().responses.create({
          model, input: messages[0].content, tool_choice: "required",
          tools: [{ type: "function", strict: true, ...weather.function }],
        });
        const [call] = answer.output.filter((item) => item.type === "function_call");
        assert.deepEqual(Object.keys(JSON.parse(call.arguments)), ["city"]);
      });
    }

    test("chat reaches a model whose endpoint speaks Anthropic's dialect", async () => {
      const stream = await client().chat.completions.create({
        model: "claude-sonnet-4", messages, stream: true,
      });
      const chunks = await all(stream);
      assert.ok(text(chunks).trim());
      assert.equal(chunks.at(-1).choices[0].finish_reason, "stop");
    });

    test("embeddings are vectors of the texts", async () => {
      const { data } = await client().embeddings.create({
        model: "text-embedding-3-small", input: ["one text", "another"],
      });
      assert.deepEqual(data.map((one) => one.embedding.length), [1536, 1536]);
      assert.notDeepEqual(data[0].embedding, data[1].embedding);
    });

    test("a schema is kept and parsed", async () => {
      const answer = await client().chat.completions.parse({
        model, messages,
        response_format: {
          type: "json_schema",
          json_schema: { name: "plant", strict: true, schema: weather.function.parameters },
        },
      });
      assert.deepEqual(Object.keys(JSON.parse(answer.choices[0].message.content)), ["city"]);
    });

    test("headers tell who answers, and default headers are its budget", async () => {
      const wide = client({ defaultHeaders: { "X-SLA-Min-Context": "150000" } });
      const { data, response, request_id } = await wide
        .chat.completions.create({ model, messages, max_tokens: 10 })
        .withResponse();
      assert.equal(data.object, "chat.completion");
      assert.match(response.headers.get("x-sla-provider"), /^(lambda|nebius)$/);
      assert.equal(request_id, response.headers.get("x-request-id"));
    });

    test("a wrong bound is a bad request that names it", async () => {
      const wrong = client({ defaultHeaders: { "X-SLA-TTFT-Ms": "1s" } });
      await assert.rejects(wrong.chat.completions.create({ model, messages }), (error) => {
        assert.ok(error instanceof openai.BadRequestError);
        assert.match(error.param, /^x-sla-ttft-ms$/i);
        return true;
      });
      assert.equal(wrong.sent.length, 1);
    });

    test("an unknown model is not found", async () => {
      const asked = client().chat.completions.create({ model: "deepseek-r2", messages });
      await assert.rejects(asked, openai.NotFoundError);
      await assert.rejects(client().models.retrieve("deepseek-r2"), openai.NotFoundError);
    });

    test("what nobody can keep is refused once, with what would have worked", async () => {
      const strict = client({
        defaultHeaders: { "X-SLA-Max-Cost-USD": "0.0000001", "X-SLA-Mode": "strict" },
      });
      await assert.rejects(strict.chat.completions.create({ model, messages }), (error) => {
        assert.ok(error instanceof openai.UnprocessableEntityError);
        assert.equal(error.error.availability.retryable, false);
        assert.ok(error.error.availability.nearest.relax.max_cost_usd > 0);
        return true;
      });
      assert.equal(strict.sent.length, 1);
    });

    test("an answer that breaks off is an error after what came", async () => {
      const chunks = [];
      const stream = await client().chat.completions.create(
        { model: "o3", messages, stream: true }, // the others stay untroubled
        { headers: { "x-sandbox-fault": "die_mid:3" } },
      );
      await assert.rejects(
        async () => {
          for await (const chunk of stream) chunks.push(chunk);
        },
        (error) => error instanceof openai.APIError && error.code === "upstream_broke_off",
      );
      assert.ok(chunks.length > 0);
    });

    test("an aborted stream stops the spending", async () => {
      const { data: stream, request_id } = await client()
        .chat.completions.create({ model, messages, stream: true })
        .withResponse();
      for await (const _ of stream) stream.controller.abort();
      const line = await proxy.told(request_id);
      assert.equal(line.fault, "client_closed_request");
      assert.ok(line.cost_usd < line.predicted_cost_usd / 2);
    });

    test("models are listed", async () => {
      const names = (await all(client().models.list())).map((one) => one.id);
      assert.ok(names.includes("deepseek-r1") && names.includes("reasoning"));
    });
  });
}
