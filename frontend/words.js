// The page's sentences: how states, numbers, arguments and failures read. Pure: values in, text out.

/** What the run is doing now, in a few words; also what a screen reader is told when it changes. */
export function statusText(run) {
  if (run.reconnecting) return 'Connection lost, reconnecting';
  switch (run.phase) {
    case 'connecting':
      return 'Connecting';
    case 'thinking':
      return run.progress ?? (run.steps > 0 ? `Thinking, step ${run.steps}` : 'Thinking');
    case 'calling':
      return `Calling ${runningTools(run)}`;
    case 'answering':
      return 'Answering';
    case 'done':
      return 'Answered';
    case 'stopped':
      return 'Stopped';
    default:
      return 'Failed';
  }
}

function runningTools(run) {
  const names = run.blocks.filter((block) => block.status === 'running').map((block) => block.tool);
  return [...new Set(names)].join(', ') || 'a tool';
}

export function seconds(ms) {
  const whole = Math.max(ms, 0) / 1000;
  if (whole < 60) return `${whole.toFixed(1)} s`;
  const minutes = Math.floor(whole / 60);
  return `${minutes} min ${Math.floor(whole % 60)} s`;
}

export function count(n, one, many = `${one}s`) {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many}`;
}

/** What the fold over the thinking says beside its name. */
export function thinkingText(run) {
  const parts = [];
  if (run.steps > 0) parts.push(count(run.steps, 'step'));
  if (run.calls > 0) parts.push(count(run.calls, 'tool call'));
  return parts.join(' · ');
}

/** The facts under a run, each a `{ name, value }`; only those that are known. */
export function facts(run) {
  const list = [];
  if (run.profiles.length > 0) list.push({ name: 'served by', value: run.profiles.join(', then ') });
  if (run.attempts > run.modelCalls) list.push({ name: 'attempts', value: String(run.attempts) });
  if (run.steps > 0) list.push({ name: 'steps', value: String(run.steps) });
  if (run.usage !== null) list.push({ name: 'tokens', value: run.usage.total.toLocaleString('en') });
  return list;
}

/**
 * A value as labelled lines when it is a flat object (`{expression: "17 * 23"}`), else as one line without a label. Text
 * that holds a JSON object is read as that object.
 */
export function lines(value) {
  const read = typeof value === 'string' ? (jsonObject(value) ?? value) : value;
  if (read === null || read === undefined) return [];
  if (typeof read !== 'object') return [{ name: null, text: String(read).trim() }];
  const flat = !Array.isArray(read) && Object.values(read).every((item) => item === null || typeof item !== 'object');
  if (!flat) return [{ name: null, text: JSON.stringify(read, null, 2) }];
  return Object.entries(read).map(([name, item]) => ({ name, text: String(item) }));
}

function jsonObject(text) {
  if (!/^\s*[[{]/.test(text)) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** What the reader can do about a failure; always something. */
export function cure({ code, status, retryAfterSeconds }) {
  if (code === 'unreachable') return 'Check that the gateway is running, then ask again.';
  if (code === 'interrupted') return 'The gateway may have been restarted. Ask again.';
  if (status === 401) return 'Sign in with a virtual key, then ask again.';
  if (status === 403) return 'Your virtual key may not do this. Choose another alias, or sign in with another key.';
  if (status === 404) return 'The alias may have been removed from the configuration. Choose another one.';
  if (status === 413) return 'Shorten the question and ask again.';
  if (retryAfterSeconds !== null && retryAfterSeconds !== undefined) {
    return `Ask again in ${count(retryAfterSeconds, 'second')}, or choose another alias.`;
  }
  if (status === 429 || status === 503) return 'Every profile behind this alias is unavailable just now. Ask again in a moment, or choose another alias.';
  if (status === 400 || status === 422) return 'Change the question, or choose another alias.';
  return 'Ask again, or choose another alias. The gateway’s log has the details.';
}

/** One line on what an alias will do with the question. */
export function aliasText(alias) {
  if (!alias.is_agent) return 'Answers directly, without reasoning steps';
  const parts = [alias.reasoning_mode ? `Reasons with ${alias.reasoning_mode}` : 'Reasons step by step'];
  const tools = Array.isArray(alias.tools) ? alias.tools.map((tool) => (typeof tool === 'string' ? tool : tool?.name)).filter(Boolean) : [];
  if (tools.length > 0) parts.push(`tools: ${tools.join(', ')}`);
  return parts.join(' · ');
}
