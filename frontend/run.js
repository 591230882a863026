// What one question looks like so far: session events in, view state out. Pure: no DOM, no network, no clock.

// Bounds of what one run keeps. A text past its bound is cut and says so; older blocks give way to newer ones.
export const TEXT_CHARS_MAX = 400_000;
export const BLOCKS_MAX = 400;
const HELD_CHARS_MAX = 1_000;

const ENDED = new Set(['done', 'failed', 'stopped']);

/** A run that has been asked and has not been heard of yet. */
export function begin({ question, alias }) {
  return {
    question,
    alias,
    phase: 'connecting',
    reconnecting: false,
    sessionId: null,
    pattern: null,
    blocks: [],
    blocksMade: 0,
    answer: null,
    steps: 0,
    calls: 0,
    profiles: [],
    attempts: 0,
    modelCalls: 0,
    usage: null,
    progress: null,
    failure: null,
    finishReason: null,
    note: null,
  };
}

export function ended(run) {
  return ENDED.has(run.phase);
}

/**
 * The run after `event` (`{ type, payload }`): the session events of the gateway, and four of the page's own
 * (`Reconnecting`, `Served`, `Stopped`, `Broken`). Unknown events change nothing, and nothing changes a run that has ended.
 */
export function apply(run, event) {
  // Own names only: an event called `toString` is unknown, too.
  if (!Object.hasOwn(STEPS, event.type) || ended(run)) return run;
  const next = STEPS[event.type](run, event.payload ?? {});
  if (event.type === 'Reconnecting' || !next.reconnecting) return next;
  return { ...next, reconnecting: false };
}

const STEPS = {
  SessionCreated: (run, { session_id, pattern }) => ({
    ...run,
    phase: 'thinking',
    sessionId: session_id ?? null,
    pattern: pattern ?? null,
  }),
  StepStarted: (run) => ({ ...run, phase: 'thinking', steps: run.steps + 1, progress: null }),
  AgentThoughtStream: (run, { text }) => ({ ...grow(run, 'thought', text), phase: 'thinking', progress: null }),
  AgentToolCallStart: (run, { call_id, tool_name, arguments: given }) => ({
    ...push(run, { kind: 'call', callId: call_id, tool: String(tool_name ?? ''), given, status: 'running', output: null }),
    phase: 'calling',
    calls: run.calls + 1,
    progress: null,
  }),
  AgentToolCallEnd: finishCall,
  Observation: observe,
  LlmCall: countModelCall,
  Served: (run, { profile }) => ({ ...run, profiles: withProfile(run.profiles, profile) }),
  Progress: progressed,
  FinalAnswerStream: (run, { text }) => ({ ...growAnswer(run, text), phase: 'answering', progress: null }),
  FinalAnswerStreamEnd: finishAnswer,
  SessionFailed: (run, { code, message }) => failed(run, { code, message }),
  SessionCancelled: (run) => stopped(run),
  Reconnecting: (run) => ({ ...run, reconnecting: true }),
  Stopped: (run) => stopped(run),
  Broken: (run, failure) => failed(run, failure),
};

// A restart voids what was half told of the step's reply; sums at the end are for machines.
function progressed(run, { kind, payload }) {
  if (kind === 'ladder') return run;
  if (kind === 'restarted') {
    const blocks = run.blocks.filter((block) => block.kind !== 'thought' || block.step !== run.steps);
    return { ...run, blocks, answer: null, phase: 'thinking', progress: null };
  }
  return { ...run, progress: progressText(kind, payload) };
}

function push(run, block) {
  const kept = run.blocks.length < BLOCKS_MAX ? run.blocks : run.blocks.slice(1 - BLOCKS_MAX);
  return {
    ...run,
    blocks: [...kept, { id: run.blocksMade, step: run.steps, ...block }],
    blocksMade: run.blocksMade + 1,
  };
}

function replaceBlock(run, at, block) {
  const blocks = run.blocks.slice();
  blocks[at] = block;
  return { ...run, blocks };
}

function grow(run, kind, piece) {
  const last = run.blocks.length - 1;
  const block = run.blocks[last];
  if (block !== undefined && block.kind === kind && block.step === run.steps) {
    return replaceBlock(run, last, { ...block, ...longer(block, piece) });
  }
  const text = longer({ text: '', held: '', cut: false }, piece);
  return text.text === '' ? run : push(run, { kind, ...text });
}

function growAnswer(run, piece) {
  const answer = run.answer ?? { text: '', held: '', cut: false, revision: 0 };
  return { ...run, answer: { ...answer, ...longer(answer, piece) } };
}

// White space at the end is held back until something follows it, and none is taken at the start, so that a shown text
// only ever grows at its end and is neat at every moment.
function longer({ text, held, cut }, piece) {
  if (cut || typeof piece !== 'string') return { text, held, cut };
  const joined = text === '' ? (held + piece).trimStart() : held + piece;
  const body = joined.trimEnd();
  if (body === '') return { text, held: joined.slice(0, HELD_CHARS_MAX), cut };
  const room = TEXT_CHARS_MAX - text.length;
  if (body.length > room) return { text: text + body.slice(0, room), held: '', cut: true };
  return { text: text + body, held: joined.slice(body.length, body.length + HELD_CHARS_MAX), cut };
}

function finishCall(run, { call_id, ok, output }) {
  const at = run.blocks.findLastIndex((block) => block.kind === 'call' && block.callId === call_id);
  if (at === -1) return run;
  const call = { ...run.blocks[at], status: ok === false ? 'failed' : 'ok', output: output ?? null };
  const next = replaceBlock(run, at, call);
  const running = next.blocks.some((block) => block.kind === 'call' && block.status === 'running');
  return { ...next, phase: running ? 'calling' : 'thinking' };
}

// An observation repeats the result of the step's calls; only one that says something else (a repair, a refusal) is shown.
function observe(run, { text }) {
  if (typeof text !== 'string' || text.trim() === '') return run;
  const repeats = run.blocks.some((block) => block.kind === 'call' && block.step === run.steps && block.status !== 'running');
  return repeats ? run : push(run, { kind: 'note', ...longer({ text: '', held: '', cut: false }, text) });
}

function countModelCall(run, { profile, attempts, usage }) {
  const tries = Array.isArray(attempts) ? attempts.length : Number(attempts ?? 1);
  return {
    ...run,
    profiles: withProfile(run.profiles, profile),
    attempts: run.attempts + (Number.isFinite(tries) ? Math.max(tries, 1) : 1),
    modelCalls: run.modelCalls + 1,
    usage: addUsage(run.usage, readUsage(usage)),
  };
}

function withProfile(profiles, profile) {
  return typeof profile === 'string' && profile !== '' && !profiles.includes(profile) ? [...profiles, profile] : profiles;
}

function finishAnswer(run, { answer, usage, finish_reason }) {
  let shown = run.answer ?? { text: '', held: '', cut: false, revision: 0 };
  const whole = typeof answer === 'string' ? answer.trim() : shown.text;
  if (whole !== shown.text) {
    const fresh = longer({ text: '', held: '', cut: false }, whole);
    shown = { ...fresh, revision: shown.revision + (fresh.text.startsWith(shown.text) ? 0 : 1) };
  }
  return settle({
    ...run,
    phase: 'done',
    answer: shown,
    usage: readUsage(usage) ?? run.usage,
    finishReason: finish_reason ?? null,
  });
}

function failed(run, failure) {
  const { code = null, message, status = null, retryAfterSeconds = null } = failure;
  return settle({
    ...run,
    phase: 'failed',
    failure: { code, message: message || 'the gateway gave no reason', status, retryAfterSeconds },
  });
}

function stopped(run) {
  return settle({ ...run, phase: 'stopped' });
}

// An ended run waits for nothing: a call that is still open will not be heard of again.
function settle(run) {
  const blocks = run.blocks.map((block) => (block.status === 'running' ? { ...block, status: 'unfinished' } : block));
  return { ...run, blocks, progress: null, reconnecting: false };
}

function readUsage(usage) {
  if (usage === null || typeof usage !== 'object') return null;
  const prompt = number(usage.prompt_tokens ?? usage.input_tokens);
  const completion = number(usage.completion_tokens ?? usage.output_tokens);
  const total = number(usage.total_tokens) || prompt + completion;
  return total > 0 ? { prompt, completion, total } : null;
}

function addUsage(sum, usage) {
  if (sum === null || usage === null) return sum ?? usage;
  return {
    prompt: sum.prompt + usage.prompt,
    completion: sum.completion + usage.completion,
    total: sum.total + usage.total,
  };
}

function number(value) {
  return Number.isFinite(value) ? value : 0;
}

function progressText(kind, payload) {
  const said = typeof payload === 'string' ? payload : (payload?.message ?? payload?.text);
  const text = typeof said === 'string' && said !== '' ? said : String(kind ?? '');
  return text === '' ? null : text.slice(0, 200);
}
