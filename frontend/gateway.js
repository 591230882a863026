// Speaks with the gateway: lists aliases, runs a question, stops it. Owns HTTP, reconnecting and wire forms; shows nothing.

import { Parser } from './sse.js';

// The gateway sends a comment on an idle session stream well within this time; longer silence means a dead connection.
const SILENCE_MS_MAX = 60_000;
// Waits before each try to reconnect; after the last one the run is given up. Any event received starts the row again.
const BACKOFF_MS = [250, 500, 1_000, 2_000, 4_000, 8_000];
// How long a stream may take to close once its last event is there.
const ENDING_MS_MAX = 2_000;
const MESSAGE_CHARS_MAX = 2_000;
const LAST_EVENTS = new Set(['FinalAnswerStreamEnd', 'SessionFailed', 'SessionCancelled']);

/** A request that cannot go on. `code` is the gateway's, or `unreachable` or `interrupted` of our own. */
export class Fault extends Error {
  constructor({ message, code = null, status = null, retryAfterSeconds = null }) {
    super(message);
    Object.assign(this, { code, status, retryAfterSeconds });
  }
}

/** The gateway's HTTP interface over `fetch`; both arguments are there for tests. */
export class Gateway {
  #fetch;
  #wait;

  constructor({ fetch = (...args) => globalThis.fetch(...args), wait = pause } = {}) {
    this.#fetch = fetch;
    this.#wait = wait;
  }

  /** Everything that can be asked, as `[{ id, is_agent, … }]`. */
  async aliases(signal) {
    const response = await this.#open('v1/models/all-runnable', { signal });
    const list = await response.json();
    return Array.isArray(list) ? list.filter((alias) => typeof alias?.id === 'string') : [];
  }

  /** Asks `alias` and yields `{ type, payload }` events, the last of which ends the run. Throws `Fault`, or what `signal` aborts with. */
  ask(alias, question, signal) {
    return alias.is_agent ? this.#reason(alias, question, signal) : this.#chat(alias, question, signal);
  }

  /** Stops a session. One that has ended by itself meanwhile counts as stopped. */
  async cancel(sessionId) {
    try {
      await this.#open(sessionPath(sessionId), { method: 'DELETE', keepalive: true });
    } catch (error) {
      if (error.status !== 404 && error.status !== 409) throw error;
    }
  }

  async *#reason(alias, question, signal) {
    const body = { user_query: question, model_alias: alias.id, stream: true };
    let response = await this.#open('v1/react/sessions', { ...json(body), signal });
    const seen = { sessionId: null, seq: -1, lastId: '' };
    for (let tries = 0; ; ) {
      try {
        for await (const event of sessionEvents(response, seen)) {
          tries = 0;
          yield event;
          if (LAST_EVENTS.has(event.type)) return;
        }
      } catch (error) {
        if (signal.aborted || error instanceof Fault) throw error;
      }
      // A response is read once only: whatever follows, it needs a new one.
      response = null;
      while (response === null) {
        if (seen.sessionId === null || tries === BACKOFF_MS.length) throw interrupted();
        yield { type: 'Reconnecting', payload: {} };
        await this.#wait(BACKOFF_MS[tries], signal);
        tries += 1;
        response = await this.#resume(seen, signal);
      }
    }
  }

  // The rest of a session's events, or null where another try may help.
  async #resume({ sessionId, lastId }, signal) {
    const headers = lastId === '' ? {} : { 'Last-Event-ID': lastId };
    try {
      return await this.#open(`${sessionPath(sessionId)}/events`, { headers, signal });
    } catch (error) {
      if (signal.aborted) throw error;
      if (error.code === 'unreachable' || error.status >= 500 || error.status === 429) return null;
      if (error.status === 404) throw interrupted();
      throw error;
    }
  }

  async *#chat(alias, question, signal) {
    const body = {
      model: alias.id,
      messages: [{ role: 'user', content: question }],
      stream: true,
      stream_options: { include_usage: true },
    };
    const response = await this.#open('v1/chat/completions', { ...json(body), signal });
    const end = { usage: null, finish_reason: null };
    let done = false;
    try {
      for await (const frame of frames(response, Infinity)) {
        done = frame.data.trim() === '[DONE]';
        if (done) break;
        yield* chunkEvents(readJson(frame.data), end);
      }
    } catch (error) {
      if (signal.aborted || error instanceof Fault) throw error;
      throw interrupted();
    }
    // A stream that stops without saying so is a cut answer, never a whole one.
    if (!done && end.finish_reason === null) throw interrupted();
    yield { type: 'FinalAnswerStreamEnd', payload: end };
  }

  async #open(path, init) {
    let response;
    try {
      response = await this.#fetch(path, init);
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new Fault({ message: 'The gateway cannot be reached.', code: 'unreachable' });
    }
    if (!response.ok) throw await refusal(response);
    return response;
  }
}

function json(body) {
  return { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}

function sessionPath(sessionId) {
  return `v1/react/sessions/${encodeURIComponent(sessionId)}`;
}

function interrupted() {
  return new Fault({ message: 'The connection ended before the answer did.', code: 'interrupted' });
}

async function refusal(response) {
  const { status } = response;
  const retryAfter = Number.parseInt(response.headers.get('Retry-After') ?? '', 10);
  const text = await response.text().catch(() => '');
  const error = readJson(text)?.error;
  return new Fault({
    message: bounded(error?.message) ?? `The gateway answered with status ${status}.`,
    code: error?.code ?? error?.type ?? null,
    status,
    retryAfterSeconds: Number.isFinite(retryAfter) ? retryAfter : null,
  });
}

function bounded(message) {
  return typeof message === 'string' && message !== '' ? message.slice(0, MESSAGE_CHARS_MAX) : null;
}

function readJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

// Each event once, in order, whatever a reconnected stream repeats.
async function* sessionEvents(response, seen) {
  for await (const frame of frames(response, SILENCE_MS_MAX)) {
    const data = readJson(frame.data);
    throwInBandError(data);
    seen.lastId = frame.id || seen.lastId;
    const type = data?.event_type ?? frame.event;
    const seq = Number.isInteger(data?.seq) ? data.seq : Number.parseInt(frame.id, 10);
    if (Number.isInteger(seq)) {
      if (seq <= seen.seq) continue;
      seen.seq = seq;
    }
    const payload = data?.payload ?? {};
    if (type === 'SessionCreated') seen.sessionId = payload.session_id ?? null;
    yield { type, payload };
  }
}

function throwInBandError(data) {
  const error = data?.error;
  if (error === null || error === undefined) return;
  throw new Fault({ message: bounded(error.message) ?? 'The stream ended with an error.', code: error.code ?? error.type ?? null });
}

function* chunkEvents(chunk, end) {
  throwInBandError(chunk);
  if (chunk?.model) yield { type: 'Served', payload: { profile: chunk.model } };
  if (chunk?.usage) end.usage = chunk.usage;
  const choice = chunk?.choices?.[0];
  const delta = choice?.delta ?? {};
  const thought = delta.reasoning_content ?? delta.reasoning;
  const text = delta.content ?? delta.refusal;
  if (thought) yield { type: 'AgentThoughtStream', payload: { text: thought } };
  if (text) yield { type: 'FinalAnswerStream', payload: { text } };
  end.finish_reason = choice?.finish_reason ?? end.finish_reason;
}

async function* frames(response, silenceMsMax) {
  const reader = response.body.getReader();
  const parser = new Parser();
  try {
    for (;;) {
      const { done, value } = await readWithin(reader, silenceMsMax);
      if (done) return;
      yield* parser.feed(value);
    }
  } finally {
    letEnd(reader);
  }
}

// A stream left after its last event is about to end by itself: only then can its connection be used again. One that does
// not end in time is cancelled; one that already failed has nothing left to cancel.
async function letEnd(reader) {
  const timer = setTimeout(() => reader.cancel().catch(() => {}), ENDING_MS_MAX);
  try {
    while (!(await reader.read()).done);
  } catch {
    // What follows the last event is of no interest, whatever it is.
  } finally {
    clearTimeout(timer);
  }
}

function readWithin(reader, ms) {
  if (ms === Infinity) return reader.read();
  let timer;
  const silence = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('silence')), ms);
  });
  return Promise.race([reader.read(), silence]).finally(() => clearTimeout(timer));
}

function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const giveUp = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', giveUp);
      resolve();
    }, ms);
    signal.addEventListener('abort', giveUp, { once: true });
  });
}
