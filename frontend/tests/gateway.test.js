import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Fault, Gateway } from '../gateway.js';

const AGENT = { id: 'local-react', is_agent: true };
const PLAIN = { id: 'local', is_agent: false };

// A gateway that plays `replies` in order, each a function of nothing to a Response (or a throw), and keeps what was asked.
function scripted(...replies) {
  const asked = [];
  const waits = [];
  const fetch = async (path, init = {}) => {
    asked.push({ path, method: init.method ?? 'GET', headers: init.headers ?? {}, body: init.body ? JSON.parse(init.body) : null });
    const reply = replies.shift();
    assert.ok(reply, `unexpected request to ${path}`);
    return reply();
  };
  const wait = async (ms) => void waits.push(ms);
  return { gateway: new Gateway({ fetch, wait }), asked, waits };
}

// A stream of the given texts; `broken` ends it as a lost connection does.
function stream(texts, { broken = false } = {}) {
  return () => {
    const queue = texts.map((text) => new TextEncoder().encode(text));
    const body = new ReadableStream({
      pull(controller) {
        if (queue.length > 0) controller.enqueue(queue.shift());
        else if (broken) controller.error(new TypeError('network error'));
        else controller.close();
      },
    });
    return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
  };
}

const lost = () => {
  throw new TypeError('failed to fetch');
};
const refused = (status, error, headers = {}) => () => new Response(JSON.stringify({ error }), { status, headers });
const frame = (seq, type, payload = {}) => `id: ${seq}\nevent: ${type}\ndata: ${JSON.stringify({ event_type: type, payload, seq })}\n\n`;
const chunk = (value) => `data: ${JSON.stringify(value)}\n\n`;

async function collect(gateway, alias, signal = new AbortController().signal) {
  const events = [];
  for await (const event of gateway.ask(alias, 'q', signal)) events.push(event);
  return events;
}

const types = (events) => events.map(({ type }) => type);
const CREATED = frame(0, 'SessionCreated', { session_id: 's 1' });
const END = frame(3, 'FinalAnswerStreamEnd', { answer: '391' });

test('a session is asked for and its events come through', async () => {
  const { gateway, asked } = scripted(stream([CREATED, END]));
  assert.deepEqual(types(await collect(gateway, AGENT)), ['SessionCreated', 'FinalAnswerStreamEnd']);
  assert.deepEqual(asked[0], {
    path: 'v1/react/sessions',
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: { user_query: 'q', model_alias: 'local-react', stream: true },
  });
});

test('a broken stream is taken up after the last event seen, and a repeated one is dropped', async () => {
  const { gateway, asked, waits } = scripted(
    stream([CREATED, frame(1, 'StepStarted')], { broken: true }),
    lost,
    refused(503, { message: 'draining' }),
    stream([frame(1, 'StepStarted'), frame(2, 'FinalAnswerStream', { text: '391' })]),
    stream([END]),
  );
  const events = await collect(gateway, AGENT);
  assert.deepEqual(types(events), ['SessionCreated', 'StepStarted', 'Reconnecting', 'Reconnecting', 'Reconnecting', 'FinalAnswerStream', 'Reconnecting', 'FinalAnswerStreamEnd']);
  assert.deepEqual(asked.slice(1).map(({ path }) => path), Array(4).fill('v1/react/sessions/s%201/events'));
  assert.deepEqual(asked.slice(1).map(({ headers }) => headers['Last-Event-ID']), ['1', '1', '1', '2']);
  assert.deepEqual(waits, [250, 500, 1000, 250], 'an event starts the waits again');
});

test('reconnecting ends after its last try', async () => {
  const { gateway, waits } = scripted(stream([CREATED], { broken: true }), ...Array(6).fill(lost));
  await assert.rejects(collect(gateway, AGENT), (error) => error instanceof Fault && error.code === 'interrupted');
  assert.equal(waits.length, 6);
});

test('a stream that gives nothing new cannot be reopened for ever', async () => {
  const { gateway } = scripted(stream([CREATED]), ...Array(6).fill(stream([])));
  await assert.rejects(collect(gateway, AGENT), { code: 'interrupted' });
});

test('a session the gateway has forgotten is given up at once', async () => {
  const { gateway } = scripted(stream([CREATED], { broken: true }), refused(404, { message: 'no such session' }));
  await assert.rejects(collect(gateway, AGENT), { code: 'interrupted' });
});

test('a stream that breaks before the session has a name is not tried again', async () => {
  const { gateway, asked } = scripted(stream([], { broken: true }));
  await assert.rejects(collect(gateway, AGENT), { code: 'interrupted' });
  assert.equal(asked.length, 1);
});

test('a refusal carries the message, code, status and waiting time of the gateway', async () => {
  const { gateway } = scripted(refused(503, { message: 'nothing left', type: 'unavailable', code: 'no_leg' }, { 'Retry-After': '42' }));
  await assert.rejects(collect(gateway, AGENT), { message: 'nothing left', code: 'no_leg', status: 503, retryAfterSeconds: 42 });
});

test('a refusal that is not JSON still says its status', async () => {
  const { gateway } = scripted(() => new Response('<html>', { status: 502 }));
  await assert.rejects(gateway.aliases(), { message: /502/, status: 502 });
});

test('a gateway that is not there is unreachable', async () => {
  await assert.rejects(scripted(lost).gateway.aliases(), { code: 'unreachable' });
});

test('a plain answer comes as the same events a session has', async () => {
  const { gateway, asked } = scripted(
    stream([
      chunk({ model: 'm', choices: [{ delta: { role: 'assistant', content: '' } }] }),
      chunk({ model: 'm', choices: [{ delta: { reasoning_content: 'hm' } }] }),
      chunk({ model: 'm', choices: [{ delta: { content: '391' } }] }),
      chunk({ model: 'm', choices: [{ delta: {}, finish_reason: 'length' }] }),
      chunk({ model: 'm', choices: [], usage: { total_tokens: 9 } }),
      'data: [DONE]\n\n',
    ]),
  );
  const events = (await collect(gateway, PLAIN)).filter(({ type }) => type !== 'Served');
  assert.deepEqual(events, [
    { type: 'AgentThoughtStream', payload: { text: 'hm' } },
    { type: 'FinalAnswerStream', payload: { text: '391' } },
    { type: 'FinalAnswerStreamEnd', payload: { usage: { total_tokens: 9 }, finish_reason: 'length' } },
  ]);
  assert.deepEqual(asked[0].body.stream_options, { include_usage: true });
});

test('a plain stream that is cut is never taken for a whole answer', async () => {
  for (const broken of [false, true]) {
    const { gateway } = scripted(stream([chunk({ choices: [{ delta: { content: 'half' } }] })], { broken }));
    await assert.rejects(collect(gateway, PLAIN), { code: 'interrupted' });
  }
});

test('an error inside a stream ends the run with its message', async () => {
  const error = chunk({ error: { message: 'upstream closed', code: 'cut' } });
  await assert.rejects(collect(scripted(stream([error])).gateway, PLAIN), { message: 'upstream closed', code: 'cut' });
  await assert.rejects(collect(scripted(stream([CREATED, error])).gateway, AGENT), { message: 'upstream closed', code: 'cut' });
});

test('stopping names the session, and one that is gone counts as stopped', async () => {
  const { gateway, asked } = scripted(() => new Response(null, { status: 204 }), refused(404, {}), refused(409, {}), refused(500, {}));
  for (let n = 0; n < 3; n += 1) await gateway.cancel('s 1');
  assert.deepEqual([asked[0].method, asked[0].path], ['DELETE', 'v1/react/sessions/s%201']);
  await assert.rejects(gateway.cancel('s 1'), { status: 500 });
});

test('an aborted run ends with the abort and is not reconnected', async () => {
  const aborter = new AbortController();
  const { gateway, asked } = scripted(() => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(CREATED));
        aborter.signal.addEventListener('abort', () => controller.error(aborter.signal.reason));
      },
    });
    return new Response(body);
  });
  const events = gateway.ask(AGENT, 'q', aborter.signal);
  assert.equal((await events.next()).value.type, 'SessionCreated');
  aborter.abort();
  await assert.rejects(events.next(), { name: 'AbortError' });
  assert.equal(asked.length, 1);
});

test('a stream is let end by itself after its last event, not cut', async () => {
  let cancelled = false;
  let left = 2;
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(CREATED + END));
    },
    async pull(controller) {
      // The rest comes only later, as from a real connection.
      await new Promise(setImmediate);
      left -= 1;
      if (left > 0) controller.enqueue(new TextEncoder().encode(': bye\n\n'));
      else controller.close();
    },
    cancel() {
      cancelled = true;
    },
  }, { highWaterMark: 0 });
  await collect(scripted(() => new Response(body)).gateway, AGENT);
  while (left > 0 && !cancelled) await new Promise(setImmediate);
  assert.deepEqual({ left, cancelled }, { left: 0, cancelled: false });
});
