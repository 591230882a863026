// Everything that a user of the official `openai` package for Node sees: one JSON object on standard output, a scenario each.
// Environment: MAGIC_BASE (no /v1), MAGIC_MODEL (of the little model of `tests/src/vendors`). Times and ids are left out: what
// is left must be the same wherever the model lies. The scenarios are those of wire.py, as this client puts them.

import OpenAI, { toFile } from 'openai';

const { MAGIC_BASE, MAGIC_MODEL: model } = process.env;
// A retry of the client's own would hide what it was answered first.
const client = new OpenAI({ baseURL: `${MAGIC_BASE}/v1`, apiKey: 'sk-wire-client', maxRetries: 0, timeout: 60_000 });

const WEATHER = { type: 'object', properties: { city: { type: 'string' }, unit: { type: 'string' } }, required: ['city'] };
const tools = [{ type: 'function', function: { name: 'get_weather', description: 'The weather', parameters: WEATHER } }];
const flatTools = [{ type: 'function', name: 'get_weather', description: 'The weather', parameters: WEATHER, strict: false }];
const TOWN = {
  type: 'object',
  properties: { city: { type: 'string' }, degrees: { type: 'integer' }, tags: { type: 'array', items: { type: 'string' } } },
  required: ['city', 'degrees', 'tags'],
  additionalProperties: false,
};
const townFormat = { type: 'json_schema', json_schema: { name: 'town', schema: TOWN, strict: true } };
const PICTURE =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const [ONE, BOTH, STEPS] = ['weather in Zürich', 'weather in Zürich and Reykjavík', 'do it step by step'];

const user = (text) => [{ role: 'user', content: text }];
const usage = (of) =>
  of ? [of.prompt_tokens, of.completion_tokens, of.total_tokens, of.prompt_tokens_details?.cached_tokens ?? null] : null;
const calls = (of) =>
  (of ?? []).map((call) => ({ name: call.function.name, arguments: JSON.parse(call.function.arguments), id: Boolean(call.id) }));

function seen(reply) {
  const [{ message, finish_reason }] = reply.choices;
  return {
    object: reply.object,
    role: message.role,
    text: message.content ?? '',
    reasoning: message.reasoning_content ?? '',
    calls: calls(message.tool_calls),
    finish: finish_reason,
    usage: usage(reply.usage),
  };
}

const create = (messages, more = {}) => client.chat.completions.create({ model, messages, ...more });
const chat = async (messages, more) => seen(await create(messages, more));

// Put together by hand, as most programs do.
async function streamed(messages, more = {}) {
  const found = { text: '', reasoning: '', calls: [], finish: null, usage: null, role: null, pieces: 0, raised: null };
  try {
    for await (const chunk of await create(messages, { stream: true, stream_options: { include_usage: true }, ...more })) {
      found.usage = usage(chunk.usage) ?? found.usage;
      for (const { delta, finish_reason } of chunk.choices) {
        found.role = delta.role ?? found.role;
        found.text += delta.content ?? '';
        found.reasoning += delta.reasoning_content ?? '';
        found.pieces += delta.content ? 1 : 0;
        found.finish = finish_reason ?? found.finish;
        for (const call of delta.tool_calls ?? []) {
          const known = (found.calls[call.index] ??= { name: '', arguments: '', id: false });
          known.name += call.function?.name ?? '';
          known.arguments += call.function?.arguments ?? '';
          known.id ||= Boolean(call.id);
        }
      }
    }
  } catch (error) {
    if (!(error instanceof OpenAI.APIError)) throw error;
    found.raised = raised(error);
  }
  found.calls = found.calls.map((call) => ({ ...call, arguments: JSON.parse(call.arguments) }));
  return { ...found, pieces: found.pieces > 1 };
}

// By the client's own helper, which is strict about the order of events.
async function accumulated(messages, more = {}) {
  const stream = client.chat.completions.stream({ model, messages, stream_options: { include_usage: true }, ...more });
  let deltas = '';
  stream.on('content', (delta) => (deltas += delta));
  return { ...seen(await stream.finalChatCompletion()), deltas };
}

// As long as the model calls tools: each call gets the next results, in one turn or several.
async function conversation(question, results, stream) {
  const messages = user(question);
  const turns = [];
  const left = [...results];
  while (turns.length < 5) {
    const reply = stream
      ? await client.chat.completions.stream({ model, messages, tools }).finalChatCompletion()
      : await create(messages, { tools });
    const { message } = reply.choices[0];
    turns.push({ text: message.content ?? '', calls: calls(message.tool_calls) });
    if (!message.tool_calls?.length) break;
    const asked = message.tool_calls.map(({ id, function: { name, arguments: text } }) => ({
      id,
      type: 'function',
      function: { name, arguments: text },
    }));
    messages.push({ role: 'assistant', content: message.content, tool_calls: asked });
    for (const { id } of asked) messages.push({ role: 'tool', tool_call_id: id, content: left.shift() });
  }
  return turns;
}

async function schema(stream) {
  const asked = { model, messages: user('as JSON, please'), response_format: townFormat };
  const reply = stream
    ? await client.chat.completions.stream(asked).finalChatCompletion()
    : await client.chat.completions.parse(asked);
  const [{ message, finish_reason }] = reply.choices;
  return { parsed: message.parsed ?? JSON.parse(message.content), finish: finish_reason };
}

const vision = () =>
  chat([
    {
      role: 'user',
      content: [
        { type: 'text', text: 'What is in the picture?' },
        { type: 'image_url', image_url: { url: PICTURE } },
      ],
    },
  ]);

async function legacy(stream) {
  const reply = await client.completions.create({ model, prompt: 'Hello', stream });
  if (!stream) return { text: reply.choices[0].text, finish: reply.choices[0].finish_reason, usage: usage(reply.usage) };
  const found = { text: '', finish: null };
  for await (const { choices } of reply) {
    for (const choice of choices) {
      found.text += choice.text;
      found.finish = choice.finish_reason ?? found.finish;
    }
  }
  return found;
}

async function embeddings(more = {}) {
  const reply = await client.embeddings.create({ model, input: ['Zürich', 'b'], ...more });
  return {
    object: reply.object,
    vectors: reply.data.map((one) => Array.from(one.embedding).slice(0, 4)),
    index: reply.data.map((one) => one.index),
  };
}

async function spoken() {
  const reply = await client.audio.speech.create({ model, voice: 'alloy', input: 'Say it', response_format: 'wav' });
  return Buffer.from(await reply.arrayBuffer());
}

async function speech() {
  const bytes = await spoken();
  const samples = bytes.subarray(44).reduce((sum, byte) => sum + byte, 0);
  return { length: bytes.length, header: bytes.toString('latin1', 0, 4), samples };
}

async function transcription() {
  const file = await toFile(await spoken(), 'a.wav');
  return { text: (await client.audio.transcriptions.create({ model, file })).text };
}

const image = async () => ({ image: (await client.images.generate({ model, prompt: 'A crab' })).data[0].b64_json });

async function moderation() {
  const [result] = (await client.moderations.create({ model, input: 'something forbidden' })).results;
  return { flagged: result.flagged, violence: result.category_scores.violence };
}

function responseSeen(reply) {
  const of = reply.usage;
  const ofType = (type) => reply.output.filter((item) => item.type === type);
  return {
    object: reply.object,
    status: reply.status,
    text: reply.output_text,
    reasoning: ofType('reasoning').flatMap((item) => item.summary.map((part) => part.text)).join(''),
    calls: ofType('function_call').map((item) => ({
      name: item.name,
      arguments: JSON.parse(item.arguments),
      id: Boolean(item.call_id),
    })),
    usage: of ? [of.input_tokens, of.output_tokens, of.total_tokens, of.input_tokens_details.cached_tokens] : null,
    id: reply.id.split('_')[0],
    why: reply.incomplete_details?.reason ?? null,
  };
}

const respond = (input, more = {}) => client.responses.create({ model, input, ...more });

async function responseStreamed(input, more = {}) {
  const kinds = [];
  const numbers = [];
  let deltas = '';
  const stream = client.responses.stream({ model, input, ...more });
  for await (const event of stream) {
    if (kinds.at(-1) !== event.type) kinds.push(event.type);
    numbers.push(event.sequence_number);
    if (event.type === 'response.output_text.delta') deltas += event.delta;
  }
  const ordered = numbers.every((number, at) => at === 0 || number > numbers[at - 1]);
  return { ...responseSeen(await stream.finalResponse()), kinds, deltas, in_order: ordered };
}

async function responseTools() {
  const first = await respond(BOTH, { tools: flatTools });
  const called = first.output.filter((item) => item.type === 'function_call');
  const results = called.map(({ call_id }, n) => ({ type: 'function_call_output', call_id, output: `${n + 20} C` }));
  const second = await respond(results, { tools: flatTools, previous_response_id: first.id });
  return [responseSeen(first), responseSeen(second)];
}

async function responseState() {
  const first = await respond('My name is Zoë');
  const second = await respond('What have I said first?', { previous_response_id: first.id });
  const third = await respond('And again: what have I said first?', { previous_response_id: second.id });
  const kept = await client.responses.retrieve(second.id);
  await client.responses.delete(second.id);
  return {
    second: responseSeen(second),
    names_its_previous: second.previous_response_id === first.id,
    third: third.output_text,
    retrieved: kept.output_text,
    after_delete: await attempt(async () => (await client.responses.retrieve(second.id)).status),
    unknown_previous: await attempt(async () => (await respond('Hello', { previous_response_id: 'resp_nobody' })).status),
  };
}

async function responseSchema() {
  const format = { type: 'json_schema', name: 'town', schema: TOWN, strict: true };
  const reply = await client.responses.parse({ model, input: 'as JSON, please', text: { format } });
  return { parsed: reply.output_parsed ?? JSON.parse(reply.output_text) };
}

// Left in the middle; the test looks at what the vendor noticed.
async function cancelled() {
  let text = '';
  const stream = await create(user('endless, one'), { stream: true });
  for await (const { choices } of stream) {
    text += choices[0]?.delta.content ?? '';
    if (text.length >= 6) break;
  }
  return { text };
}

const timedOut = async () => (await client.chat.completions.create({ model, messages: user('endless, two') }, { timeout: 500 })).id;

const raised = (error) => ({
  class: error.constructor.name,
  status: error.status ?? null,
  message: error.error?.message ?? error.message,
  code: error.code ?? null,
  type: error.type ?? null,
  param: error.param ?? null,
});

async function attempt(scenario) {
  try {
    return await scenario();
  } catch (error) {
    return error instanceof OpenAI.APIError ? { raised: raised(error) } : { crashed: `${error}`.split('\n')[0] };
  }
}

const scenarios = {
  chat: () => chat(user('Hello')),
  system: () => chat([{ role: 'system', content: 'Be kind — “é”' }, ...user('your system prompt?')]),
  stream: () => streamed(user('Hello')),
  stream_helper: () => accumulated(user('Hello')),
  reasoning: () => chat(user('ponder this')),
  reasoning_stream: () => streamed(user('ponder this')),
  length: () => chat(user('at length'), { max_tokens: 2 }),
  length_stream: () => streamed(user('at length'), { max_tokens: 2 }),
  filtered: () => chat(user('forbidden')),
  filtered_stream: () => streamed(user('forbidden')),
  tool: () => chat(user(ONE), { tools }),
  tool_stream: () => streamed(user(ONE), { tools }),
  tool_helper: () => accumulated(user(ONE), { tools }),
  tool_answer: () => conversation(ONE, ['21 C, sunny'], false),
  tool_turns: () => conversation(STEPS, ['one', 'two'], false),
  tool_turns_stream: () => conversation(STEPS, ['one', 'two'], true),
  parallel: () => chat(user(BOTH), { tools }),
  parallel_stream: () => streamed(user(BOTH), { tools }),
  parallel_helper: () => accumulated(user(BOTH), { tools }),
  parallel_answer: () => conversation(BOTH, ['21 C', '3 C'], false),
  parallel_answer_stream: () => conversation(BOTH, ['21 C', '3 C'], true),
  tool_forced: () => chat(user('Hello'), { tools, tool_choice: { type: 'function', function: { name: 'get_weather' } } }),
  schema: () => schema(false),
  schema_stream: () => schema(true),
  vision,
  legacy: () => legacy(false),
  legacy_stream: () => legacy(true),
  embeddings: () => embeddings(),
  embeddings_float: () => embeddings({ encoding_format: 'float' }),
  speech,
  transcription,
  image,
  moderation,
  response: async () => responseSeen(await respond('Hello')),
  response_stream: () => responseStreamed('Hello'),
  response_reasoning: async () => responseSeen(await respond('ponder this')),
  response_reasoning_stream: () => responseStreamed('ponder this'),
  response_length: async () => responseSeen(await respond('at length')),
  response_tools: responseTools,
  response_tools_stream: () => responseStreamed(BOTH, { tools: flatTools }),
  response_state: responseState,
  response_schema: responseSchema,
  response_instructions: async () => responseSeen(await respond('your system prompt?', { instructions: 'Be brief' })),
  bad_request: () => chat(user('bad request')),
  bad_request_stream: () => streamed(user('bad request')),
  response_bad_request: async () => responseSeen(await respond('bad request')),
  too_long: () => chat(user('too long')),
  breaks_off: () => streamed(user('breaks off')),
  cancelled,
  timed_out: timedOut,
  broken: () => chat(user('broken')),
  // The last one: it costs the key that was used.
  busy: () => chat(user('busy')),
};
const observations = {};
for (const [name, scenario] of Object.entries(scenarios)) observations[name] = await attempt(scenario);
process.stdout.write(`${JSON.stringify(observations)}\n`);
