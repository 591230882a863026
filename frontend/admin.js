// What the admin view asks of the gateway, and how the answers read. Owns paths and forms; shows nothing.

const SCOPES = ['user', 'viewer', 'operator', 'admin'];

/** A refusal of the admin's paths; `problems` and `diff` where a config was refused. */
export class Refusal extends Error {
  constructor(status, body) {
    super(body?.error?.message ?? `The gateway answered with status ${status}.`);
    Object.assign(this, { status, problems: body?.problems ?? [], diff: body?.diff ?? '' });
  }
}

/** Whether a scope may do what needs another. */
export function covers(scope, needed) {
  return SCOPES.indexOf(scope) >= SCOPES.indexOf(needed);
}

export class Admin {
  #fetch;

  constructor(fetch) {
    this.#fetch = fetch;
  }

  async overview() {
    const [components, keys, breakers, sessions] = await Promise.all(
      ['components', 'keys', 'breakers', 'sessions'].map((name) => this.#ask(`admin/${name}`)),
    );
    return { components, keys, breakers, sessions };
  }

  async virtualKeys() {
    return (await this.#ask('admin/virtual-keys')).virtual_keys ?? [];
  }

  /** The new key with its `secret`, which is shown this once. */
  createKey({ name, scope, aliases }) {
    const list = aliases.split(',').map((alias) => alias.trim()).filter((alias) => alias !== '');
    return this.#send('POST', 'admin/virtual-keys', { name, scope, ...(list.length > 0 ? { aliases: list } : {}) });
  }

  revokeKey(id) {
    return this.#send('DELETE', `admin/virtual-keys/${encodeURIComponent(id)}`);
  }

  async usage(by) {
    return (await this.#ask(`admin/usage?by=${encodeURIComponent(by)}`)).usage ?? [];
  }

  config() {
    return this.#ask('admin/config');
  }

  /** Tries a text, or writes it over the one that bears `etag`. */
  changeConfig(text, etag, { dryRun }) {
    const path = dryRun ? 'admin/config?dry_run=true' : 'admin/config';
    return this.#send('PUT', path, { text }, { 'If-Match': etag });
  }

  #ask(path) {
    return this.#open(path, {});
  }

  #send(method, path, body, headers = {}) {
    const form = body === undefined ? {} : { body: JSON.stringify(body) };
    return this.#open(path, { method, headers: { 'Content-Type': 'application/json', ...headers }, ...form });
  }

  async #open(path, init) {
    const response = await this.#fetch(path, init);
    const text = await response.text();
    let body = null;
    try {
      body = JSON.parse(text);
    } catch {
      // A reply without a body says all by its status.
    }
    if (!response.ok) throw new Refusal(response.status, body);
    return body;
  }
}

// === How it reads ===

/** Rows of the overview's tables. */
export function componentRows({ components = [] }) {
  return components.map((row) => [row.name, row.kind, row.status, row.problem ?? '']);
}

export function keyRows({ pools = [] }) {
  return pools.flatMap(({ pool, keys }) => keys.map((key) => [pool, key.id, standing(key), key.why ?? '']));
}

export function breakerRows({ breakers = [] }) {
  return breakers.map((row) => [row.profile, standing(row), row.failures === undefined ? '' : String(row.failures)]);
}

export function sessionText({ running = 0, waiting = 0, places = 0, ended = {} }) {
  const { answered = 0, failed = 0, cancelled = 0 } = ended;
  return `${running} running of ${places}, ${waiting} waiting. Ended since the start: ${answered} answered, ${failed} failed, ${cancelled} cancelled.`;
}

function standing({ state, seconds_left: left }) {
  return left === null || left === undefined ? state : `${state}, ${left} s left`;
}

export function virtualKeyRow(key) {
  const aliases = key.aliases === null || key.aliases === undefined ? 'all' : key.aliases.join(', ');
  return [key.name, key.id, key.scope, key.team ?? '', aliases, key.standing];
}

/** The columns of a usage table and its rows: what it is summed up by comes first. */
export function usageTable(by, rows) {
  const sums = ['requests', 'tokens_in', 'tokens_out', 'cost'];
  const columns = [...by.split(','), ...sums];
  return { columns, rows: rows.map((row) => columns.map((column) => String(row[column] ?? ''))) };
}

/** Lines of a diff with what each is: `add`, `cut`, `place` or `same`. */
export function diffLines(diff) {
  const kind = (line) => {
    if (line.startsWith('+++') || line.startsWith('---') || line.startsWith('@@')) return 'place';
    if (line.startsWith('+')) return 'add';
    return line.startsWith('-') ? 'cut' : 'same';
  };
  return diff === '' ? [] : diff.replace(/\n$/, '').split('\n').map((text) => ({ kind: kind(text), text }));
}

/** `text` of a text area, which knows no other line end than \n, with the line ends of the file that it was read from. */
export function withLineEnds(text, file) {
  const isCrlf = file.includes('\r\n') && !/(^|[^\r])\n/.test(file);
  return isCrlf ? text.replace(/\r?\n/g, '\r\n') : text;
}
