// The admin view: who is signed in, what runs here, virtual keys, usage, the config. Each part asks when it is opened.

import { Refusal, breakerRows, componentRows, covers, diffLines, keyRows, sessionText, usageTable, virtualKeyRow, withLineEnds } from './admin.js';
import { make, table } from './dom.js';

export class AdminView {
  #admin;
  #session;
  #onChange;
  #say;
  #element;

  /** `onChange` is called when somebody has signed in or out; `say` announces to a screen reader. */
  constructor(element, { admin, session, onChange, say }) {
    this.#element = element;
    this.#admin = admin;
    this.#session = session;
    this.#onChange = onChange;
    this.#say = say;
  }

  /** Draws it for whoever is signed in now. */
  show() {
    const { who } = this.#session;
    if (who === null || !covers(who.scope, 'viewer')) {
      this.#element.replaceChildren(this.#signInForm(who));
      return;
    }
    const parts = [
      this.#part('Overview', () => this.#overview(), true),
      this.#part('Virtual keys', () => this.#virtualKeys()),
      this.#part('Usage', () => this.#usage('day')),
      this.#part('Configuration', () => this.#config()),
    ];
    this.#element.replaceChildren(this.#identity(who), ...parts);
  }

  // === Who ===

  #signInForm(who) {
    const key = make('input', { id: 'sign-in-key', name: 'key', type: 'password', autocomplete: 'current-password', required: '', spellcheck: 'false' });
    const problem = make('p', { class: 'failure', role: 'alert', hidden: '' });
    const submit = make('button', { class: 'primary', type: 'submit' }, 'Sign in');
    const why = who === null ? 'This gateway asks who you are.' : `As ${who.name} you may only ask models.`;
    const form = make('form', { class: 'panel sign-in' },
      make('h2', {}, 'Sign in'),
      make('p', { class: 'lead' }, `${why} Enter a virtual key of scope viewer or above; it is sent once and not kept.`),
      make('label', { for: 'sign-in-key' }, 'Virtual key'), key, problem, submit);
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      await busy(submit, problem, async () => {
        await this.#session.signIn(key.value.trim());
        this.#say(`Signed in as ${this.#session.who.name}`);
        this.show();
        this.#onChange();
      });
      key.value = '';
    });
    return form;
  }

  #identity(who) {
    const text = who.signed_in ? `Signed in as ${who.name}, scope ${who.scope}` : `Nobody has to sign in here: scope ${who.scope}`;
    const line = make('p', { class: 'identity' }, make('span', {}, text));
    if (who.signed_in) {
      const out = make('button', { class: 'quiet', type: 'button' }, 'Sign out');
      out.addEventListener('click', async () => {
        await this.#session.signOut().catch(() => {});
        await this.#session.refresh().catch(() => {});
        this.#say('Signed out');
        this.show();
        this.#onChange();
      });
      line.append(out);
    }
    return line;
  }

  // === Parts ===

  #part(title, load, isOpen = false) {
    const body = make('div', { class: 'panel-body' });
    const part = make('details', { class: 'panel' }, make('summary', {}, make('h2', {}, title)), body);
    const fill = async () => {
      body.setAttribute('aria-busy', 'true');
      try {
        body.replaceChildren(...(await load()));
      } catch (error) {
        body.replaceChildren(this.#failure(error));
      } finally {
        body.removeAttribute('aria-busy');
      }
    };
    part.addEventListener('toggle', () => part.open && fill());
    part.addEventListener('again', fill);
    part.open = isOpen;
    return part;
  }

  #failure(error) {
    const text = error?.status === 401 ? 'Your session is over: reload the page and sign in again.' : error.message;
    return make('p', { class: 'failure', role: 'alert' }, text);
  }

  async #overview() {
    const { components, keys, breakers, sessions } = await this.#admin.overview();
    const { status, problems = [], warnings = [] } = components.config ?? {};
    const notes = [...problems, ...warnings].map((text) => make('li', {}, text));
    return [
      make('p', {}, `Generation ${components.generation}; the config file is ${status}. Sessions: ${sessionText(sessions)}`),
      notes.length > 0 ? make('ul', { class: 'notes' }, ...notes) : '',
      titled('Components', ['Name', 'Kind', 'State', 'Problem'], componentRows(components)),
      titled('Keys of vendors', ['Pool', 'Key', 'State', 'Why'], keyRows(keys)),
      titled('Breakers', ['Profile', 'State', 'Failures'], breakerRows(breakers)),
    ];
  }

  async #virtualKeys() {
    const mayChange = covers(this.#session.who.scope, 'admin');
    const keys = await this.#admin.virtualKeys();
    const rows = keys.map((key) => [...virtualKeyRow(key), mayChange && key.standing === 'active' ? this.#revoke(key) : '']);
    const list = titled('Virtual keys', ['Name', 'Id', 'Scope', 'Team', 'Aliases', 'State', ''], rows);
    return mayChange ? [list, this.#createForm()] : [list];
  }

  #revoke(key) {
    const button = make('button', { class: 'quiet', type: 'button', 'aria-label': `Revoke ${key.name}` }, 'Revoke');
    button.addEventListener('click', async () => {
      if (!confirm(`Revoke the virtual key ${key.name} (${key.id})? Whoever uses it is refused from now on.`)) return;
      const part = button.closest('details');
      try {
        await this.#admin.revokeKey(key.id);
        this.#say(`${key.name} is revoked`);
        part.dispatchEvent(new Event('again'));
      } catch (error) {
        button.replaceWith(this.#failure(error));
      }
    });
    return button;
  }

  #createForm() {
    const name = make('input', { id: 'new-key-name', required: '', maxlength: '128' });
    const scopes = ['user', 'viewer', 'operator', 'admin'].filter((scope) => covers(this.#session.who.scope, scope));
    const scope = make('select', { id: 'new-key-scope' }, ...scopes.map((word) => make('option', {}, word)));
    const aliases = make('input', { id: 'new-key-aliases', placeholder: 'all' });
    const submit = make('button', { class: 'primary', type: 'submit' }, 'Create');
    const problem = make('p', { class: 'failure', role: 'alert', hidden: '' });
    const made = make('p', { class: 'made-key', role: 'status', hidden: '' });
    const form = make('form', { class: 'row' },
      field('Name', name), field('Scope', scope), field('Aliases, with commas', aliases), submit);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      busy(submit, problem, async () => {
        const key = await this.#admin.createKey({ name: name.value.trim(), scope: scope.value, aliases: aliases.value });
        made.replaceChildren('The secret, shown this once: ', make('code', {}, key.secret));
        made.hidden = false;
        name.value = '';
      });
    });
    return make('div', {}, make('h3', {}, 'A new key'), form, problem, made);
  }

  async #usage(by) {
    const choice = make('select', { id: 'usage-by' },
      ...['day', 'key', 'team', 'alias', 'profile', 'pattern', 'day,key'].map((word) => make('option', word === by ? { selected: '' } : {}, word)));
    const { columns, rows } = usageTable(by, await this.#admin.usage(by));
    choice.addEventListener('change', async () => {
      const body = choice.closest('.panel-body');
      try {
        body.replaceChildren(...(await this.#usage(choice.value)));
        body.querySelector('select').focus();
      } catch (error) {
        body.append(this.#failure(error));
      }
    });
    return [field('Summed up by', choice), titled('Usage', columns, rows)];
  }

  // === Config ===

  async #config() {
    let file = await this.#admin.config();
    const text = make('textarea', { id: 'config-text', rows: '24', spellcheck: 'false', autocomplete: 'off', wrap: 'off' });
    text.value = file.text;
    const mayChange = covers(this.#session.who.scope, 'admin');
    text.readOnly = !mayChange;
    const result = make('div', { class: 'result', role: 'status' });
    const problem = make('p', { class: 'failure', role: 'alert', hidden: '' });
    const shown = [field(`${file.path}${file.live ? '' : ' (not what serves now: see the overview)'}`, text)];
    if (!mayChange) return shown;
    const send = async (dryRun) => {
      result.replaceChildren();
      const sent = withLineEnds(text.value, file.text);
      try {
        const done = await this.#admin.changeConfig(sent, file.etag, { dryRun });
        if (!dryRun) file = { ...file, text: sent, etag: done.etag };
        result.replaceChildren(...told(done, dryRun));
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        result.replaceChildren(...refused(error));
      }
    };
    const check = make('button', { class: 'quiet', type: 'button' }, 'Check');
    const save = make('button', { class: 'primary', type: 'button' }, 'Save');
    check.addEventListener('click', () => busy(check, problem, () => send(true)));
    save.addEventListener('click', () => busy(save, problem, () => send(false)));
    return [...shown, make('p', { class: 'row' }, check, save), problem, result];
  }
}

function told(done, dryRun) {
  const changed = done.diff !== '';
  let line = changed ? 'It is good. This would change:' : 'It is good, and nothing would change.';
  if (!dryRun && changed) line = done.live ? `Live as generation ${done.generation}. The text before is kept as ${done.backup}.` : 'Written, but not live yet: see the overview.';
  return [make('p', { class: 'good' }, line), list(done.warnings ?? []), diffView(done.diff)];
}

function refused(error) {
  const more = error.status === 412 ? ' Open this part anew to get it; your text is lost then, so copy it first.' : '';
  return [make('p', { class: 'failure' }, error.message + more), list(error.problems), diffView(error.diff)];
}

function list(texts) {
  return texts.length > 0 ? make('ul', { class: 'notes' }, ...texts.map((text) => make('li', {}, text))) : '';
}

function diffView(diff) {
  const lines = diffLines(diff).map(({ kind, text }) => make('span', { class: `diff-${kind}` }, `${text}\n`));
  return lines.length > 0 ? make('pre', { class: 'diff', tabindex: '0', 'aria-label': 'Differences' }, ...lines) : '';
}

function titled(title, heads, rows) {
  const body = rows.length > 0 ? table(title, heads, rows) : make('p', { class: 'none' }, 'None.');
  return make('div', {}, make('h3', {}, title), body);
}

function field(label, input) {
  return make('p', { class: 'field' }, make('label', { for: input.id }, label), input);
}

// One thing at a time, and what went wrong beside it.
async function busy(button, problem, work) {
  button.disabled = true;
  problem.hidden = true;
  try {
    await work();
  } catch (error) {
    problem.textContent = error?.message ?? String(error);
    problem.hidden = false;
  } finally {
    button.disabled = false;
  }
}
