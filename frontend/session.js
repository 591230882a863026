// Who is signed in at this page. The key itself is sent once and kept nowhere; the cookie is the browser's, and no script
// sees it. What changes anything must bear the session's token, and gets it here.

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

export class Session {
  #fetch;
  #csrf = null;

  constructor({ fetch = (...args) => globalThis.fetch(...args) } = {}) {
    this.#fetch = fetch;
    /** `{ name, scope, signed_in }`, or null while nobody is known. */
    this.who = null;
  }

  /** Like `fetch`, as whoever is signed in. */
  fetch = (path, init = {}) => {
    const method = (init.method ?? 'GET').toUpperCase();
    if (this.#csrf === null || SAFE.has(method)) return this.#fetch(path, init);
    return this.#fetch(path, { ...init, headers: { ...init.headers, 'x-magic-csrf': this.#csrf } });
  };

  /** Asks who this page is for; null where the gateway wants a sign-in first. */
  async refresh() {
    const response = await this.#fetch('admin/whoami', {});
    return this.#take(response.ok ? await response.json() : null);
  }

  /** Signs in, or throws what is to be shown. */
  async signIn(key) {
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ key }) };
    const response = await this.#fetch('admin/login', init);
    const reply = await response.json().catch(() => null);
    if (!response.ok) throw new Error(reply?.error?.message ?? `The gateway answered with status ${response.status}.`);
    return this.#take(reply);
  }

  async signOut() {
    await this.fetch('admin/logout', { method: 'POST' });
    this.#take(null);
  }

  #take(who) {
    this.who = who;
    this.#csrf = who?.csrf ?? null;
    return who;
  }
}
