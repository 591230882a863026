// What the official `openai` package for Node sees of a gateway: one JSON object on standard output, for the test to judge.
// Environment: MAGIC_BASE, MAGIC_PLAIN and MAGIC_REASONING (aliases), MAGIC_QUESTION, MAGIC_CUT (an alias that breaks off, or nothing).

import OpenAI from 'openai';

const { MAGIC_BASE, MAGIC_PLAIN, MAGIC_REASONING, MAGIC_QUESTION, MAGIC_CUT } = process.env;
const messages = [{ role: 'user', content: MAGIC_QUESTION }];
// A retry of the client's own would hide what the gateway said.
const client = new OpenAI({ baseURL: `${MAGIC_BASE}/v1`, apiKey: 'none', maxRetries: 0, timeout: 600_000 });

async function models() {
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  return { ids, one: (await client.models.retrieve(MAGIC_PLAIN)).id };
}

async function whole(model, more = {}) {
  const reply = await client.chat.completions.create({ model, messages, ...more });
  const [choice] = reply.choices;
  return {
    object: reply.object,
    role: choice.message.role,
    content: choice.message.content,
    reasoning: choice.message.reasoning_content ?? '',
    finish_reason: choice.finish_reason,
    total_tokens: reply.usage.total_tokens,
  };
}

async function streamed(model, more = {}) {
  const seen = { content: '', reasoning: '', pieces: 0, finish_reason: null, total_tokens: null, raised: null };
  try {
    const stream = await client.chat.completions.create({ model, messages, stream: true, stream_options: { include_usage: true }, ...more });
    for await (const chunk of stream) {
      if (chunk.usage) seen.total_tokens = chunk.usage.total_tokens;
      for (const choice of chunk.choices) {
        const content = choice.delta.content ?? '';
        const reasoning = choice.delta.reasoning_content ?? '';
        seen.content += content;
        seen.reasoning += reasoning;
        if (content || reasoning) seen.pieces += 1;
        seen.finish_reason = choice.finish_reason ?? seen.finish_reason;
      }
    }
  } catch (error) {
    if (!(error instanceof OpenAI.APIError)) throw error;
    seen.raised = error.message;
  }
  return seen;
}

async function refused() {
  try {
    await client.chat.completions.create({ model: 'no-such-model', messages });
  } catch (error) {
    if (!(error instanceof OpenAI.NotFoundError)) throw error;
    return { class: error.constructor.name, status: error.status, message: error.message, code: error.code };
  }
  return null;
}

const seen = {
  models: await models(),
  chat: await whole(MAGIC_PLAIN, { max_tokens: 24 }),
  stream: await streamed(MAGIC_PLAIN, { max_tokens: 24 }),
  not_found: await refused(),
  reasoning: await streamed(MAGIC_REASONING),
  reasoning_whole: await whole(MAGIC_REASONING),
  cut: MAGIC_CUT ? await streamed(MAGIC_CUT) : null,
};
process.stdout.write(`${JSON.stringify(seen)}\n`);
