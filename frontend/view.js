// Draws one run and keeps it in step with its state. Owns that run's elements; everything a model made goes in as text.

import { make } from './dom.js';
import { count, cure, facts, lines, seconds, statusText, thinkingText } from './words.js';
import { ended } from './run.js';

// A growing text is split over text nodes of about this size, so that appending to a very long one stays cheap.
const NODE_CHARS_MAX = 16_000;
// A longer argument or result gets a scrolling box of its own, which then must be reachable by keyboard.
const LONG_CHARS = 1_200;
const COPIED_MS = 2_000;

const CALL_WORDS = { running: 'running', ok: 'ok', failed: 'failed', unfinished: 'not finished' };

/** One question with its thinking and its answer. `element` goes into the page; `update` follows the run. */
export class RunView {
  #parts;
  #blocks = new Map();
  #steps = new Map();
  #answer = null;
  #folded = false;

  /** `onAgain` is called to ask the same question again; `say` announces to a screen reader. */
  constructor(run, { onAgain, say }) {
    const copy = make('button', { class: 'quiet copy', type: 'button' }, 'Copy answer');
    const again = make('button', { class: 'quiet', type: 'button', 'data-part': 'again' }, 'Ask again');
    this.#parts = {
      status: make('span', { class: 'status-text' }),
      elapsed: make('span', { class: 'elapsed' }),
      thinkingText: make('span', { class: 'thinking-text' }),
      steps: make('ol', { class: 'steps' }),
      answerText: make('div', { class: 'answer-text', 'data-part': 'answer' }),
      note: make('p', { class: 'note', hidden: '' }),
      failureMessage: make('p', { class: 'failure-message', 'data-part': 'failure' }),
      failureCure: make('p', { class: 'failure-cure' }),
      facts: make('dl', { class: 'facts' }),
      copy,
      again,
    };
    copy.addEventListener('click', () => this.#copyAnswer(say));
    again.addEventListener('click', onAgain);
    this.#assemble(run);
    this.update(run);
  }

  #assemble(run) {
    const parts = this.#parts;
    const title = make('h2', { class: 'question' }, run.question);
    const alias = make('span', { class: 'run-alias' }, run.alias);
    const status = make('p', { class: 'run-status' }, alias, parts.status, parts.elapsed);
    const summary = make('summary', {}, make('span', { class: 'thinking-name' }, 'Thinking'), parts.thinkingText);
    parts.thinking = make('details', { class: 'thinking', open: '', hidden: '' }, summary, parts.steps);
    const head = make('header', { class: 'answer-head' }, make('h3', {}, 'Answer'), parts.copy);
    parts.answer = make('section', { class: 'answer', hidden: '' }, head, parts.answerText);
    parts.failure = make('div', { class: 'failure', hidden: '' }, parts.failureMessage, parts.failureCure);
    parts.foot = make('footer', { class: 'run-foot', hidden: '' }, parts.facts, parts.again);
    this.element = make('article', { class: 'run' }, title, status, parts.thinking, parts.answer, parts.note, parts.failure, parts.foot);
    this.#answer = new GrowingText(parts.answerText);
  }

  /** Brings the elements in step with `run`; adds to what is there and never builds it anew. */
  update(run) {
    const parts = this.#parts;
    const over = ended(run);
    this.element.dataset.phase = run.phase;
    this.element.setAttribute('aria-busy', String(!over));
    setText(parts.status, statusText(run));
    setText(parts.thinkingText, thinkingText(run));
    this.#updateBlocks(run, over);
    this.#updateAnswer(run);
    this.#updateFailure(run);
    this.#updateNote(run);
    this.#updateFoot(run, over);
  }

  /** Shows how long the run has taken. */
  elapsed(ms) {
    setText(this.#parts.elapsed, seconds(ms));
  }

  /** Folds the thinking away, to make room for the next question. */
  fold() {
    if (this.#folded) return;
    this.#folded = true;
    this.#parts.thinking.open = false;
  }

  #updateBlocks(run, over) {
    this.#parts.thinking.hidden = run.blocks.length === 0;
    const kept = new Set();
    for (const block of run.blocks) {
      kept.add(block.id);
      let view = this.#blocks.get(block.id);
      if (view === undefined) {
        view = block.kind === 'call' ? new CallView(block) : new TextView(block);
        this.#blocks.set(block.id, view);
        this.#stepBody(block.step).append(view.element);
      }
      view.update(block);
    }
    for (const [id, view] of this.#blocks) {
      if (!kept.has(id)) this.#drop(id, view);
    }
    const last = run.blocks.at(-1);
    const writing = !over && run.phase === 'thinking' && last?.kind === 'thought';
    for (const [id, view] of this.#blocks) view.element.classList.toggle('is-live', writing && id === last.id);
  }

  #stepBody(step) {
    let body = this.#steps.get(step);
    if (body === undefined) {
      body = make('div', { class: 'step-body' });
      const number = make('span', { class: 'step-number', 'aria-label': step > 0 ? `Step ${step}` : 'Thought' }, step > 0 ? String(step) : '');
      this.#parts.steps.append(make('li', { class: 'step' }, number, body));
      this.#steps.set(step, body);
    }
    return body;
  }

  #drop(id, view) {
    const body = view.element.parentElement;
    view.element.remove();
    this.#blocks.delete(id);
    if (body.childElementCount > 0) return;
    body.parentElement.remove();
    for (const [step, held] of this.#steps) if (held === body) this.#steps.delete(step);
  }

  #updateAnswer(run) {
    const parts = this.#parts;
    const shown = run.answer !== null && run.answer.text !== '';
    parts.answer.hidden = !shown;
    parts.copy.hidden = !shown || !ended(run);
    parts.answerText.classList.toggle('is-live', run.phase === 'answering');
    if (shown) this.#answer.show(run.answer.text, run.answer.revision);
  }

  #updateFailure(run) {
    const parts = this.#parts;
    parts.failure.hidden = run.failure === null;
    if (run.failure === null) return;
    setText(parts.failureMessage, run.failure.message);
    setText(parts.failureCure, cure(run.failure));
  }

  #updateNote(run) {
    const note = noteText(run);
    this.#parts.note.hidden = note === '';
    setText(this.#parts.note, note);
  }

  #updateFoot(run, over) {
    const parts = this.#parts;
    const list = facts(run);
    parts.again.hidden = !over || run.phase === 'done';
    parts.foot.hidden = parts.again.hidden && list.length === 0;
    const key = list.map(({ name, value }) => `${name}=${value}`).join();
    if (parts.facts.dataset.key === key) return;
    parts.facts.dataset.key = key;
    parts.facts.replaceChildren(...list.map(({ name, value }) => make('div', {}, make('dt', {}, name), make('dd', {}, value))));
  }

  async #copyAnswer(say) {
    const copied = await copyText(this.#parts.answerText.textContent);
    const { copy } = this.#parts;
    setText(copy, copied ? 'Copied' : 'Press Ctrl+C');
    say(copied ? 'Answer copied' : 'The answer is selected, press Control C to copy it');
    if (!copied) getSelection()?.selectAllChildren(this.#parts.answerText);
    setTimeout(() => setText(copy, 'Copy answer'), COPIED_MS);
  }
}

function noteText(run) {
  const notes = [];
  if (run.blocksMade > run.blocks.length) notes.push(`${count(run.blocksMade - run.blocks.length, 'earlier part')} of the thinking no longer shown.`);
  if (run.answer?.cut || run.blocks.some((block) => block.cut)) notes.push('A very long text is shown only in part.');
  if (run.finishReason === 'length') notes.push('A limit on steps or tokens was reached; this is what the model had by then.');
  if (run.finishReason === 'content_filter') notes.push('The vendor’s filter cut this answer.');
  if (run.phase === 'done' && !run.answer?.text) notes.push('The model ended without an answer. Ask again, or choose another alias.');
  if (run.note) notes.push(run.note);
  return notes.join(' ');
}

class TextView {
  #text;

  constructor(block) {
    this.element = make('p', { class: block.kind, 'data-part': block.kind });
    this.#text = new GrowingText(this.element);
  }

  update(block) {
    this.#text.show(block.text, 0);
  }
}

class CallView {
  #status = make('span', { class: 'call-status' });
  #values = make('dl', { class: 'call-values' });
  #resultShown = false;

  constructor(block) {
    const name = make('span', { class: 'call-tool', 'data-part': 'tool' }, block.tool || 'unnamed tool');
    const head = make('div', { class: 'call-head' }, name, this.#status);
    this.element = make('div', { class: 'call', role: 'group', 'aria-label': `Tool call ${block.tool}`, 'data-part': 'call' }, head, this.#values);
    this.#values.append(...rows('arguments', lines(block.given)));
  }

  update(block) {
    if (this.element.dataset.status !== block.status) {
      this.element.dataset.status = block.status;
      setText(this.#status, CALL_WORDS[block.status]);
    }
    if (this.#resultShown || block.output === null) return;
    this.#resultShown = true;
    this.#values.append(...rows(block.status === 'failed' ? 'error' : 'result', lines(block.output)));
  }
}

// One row a line; a value without a name of its own goes under what it is, `arguments` or `result`.
function rows(role, list) {
  return list.map(({ name, text }) => {
    const value = make('dd', { 'data-part': role === 'arguments' ? 'argument' : 'result' }, text === '' ? '(empty)' : text);
    if (text.length > LONG_CHARS) {
      value.tabIndex = 0;
      value.setAttribute('role', 'region');
      value.setAttribute('aria-label', name ?? role);
    }
    return make('div', { class: role === 'arguments' ? 'given' : 'made' }, make('dt', {}, name ?? role), value);
  });
}

// A text that only grows, shown by adding what is new. A new revision starts over.
class GrowingText {
  #element;
  #shown = 0;
  #revision = 0;
  #node = null;

  constructor(element) {
    this.#element = element;
  }

  show(text, revision) {
    if (revision !== this.#revision) {
      this.#element.replaceChildren();
      this.#shown = 0;
      this.#node = null;
      this.#revision = revision;
    }
    if (text.length === this.#shown) return;
    const fresh = text.slice(this.#shown);
    this.#shown = text.length;
    if (this.#node !== null && this.#node.length < NODE_CHARS_MAX) {
      this.#node.appendData(fresh);
      return;
    }
    this.#node = document.createTextNode(fresh);
    this.#element.append(this.#node);
  }
}

// Writing the same text again would make screen readers repeat it and throw a selection away.
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without a secure context there is no clipboard; the caller selects the answer instead.
    return false;
  }
}
