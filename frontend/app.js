// Wires the page: the alias chooser, the question, one run at a time, and what is said aloud. The only reader of clocks.

import { Admin } from './admin.js';
import { AdminView } from './admin-view.js';
import { Fault, Gateway } from './gateway.js';
import { apply, begin, ended } from './run.js';
import { Session } from './session.js';
import { aliasText, count, cure, statusText } from './words.js';
import { RunView } from './view.js';

const STORE_KEY = 'magic-proxy.alias';
// Older runs leave the page, so that a long afternoon of questions costs no more than a short one.
const RUNS_MAX = 20;
// The list follows the configuration; this keeps switching between windows from asking all the time.
const ALIASES_AGE_MS_MAX = 5_000;
// How long a stopped run may wait to learn its session's id, which it needs to stop the session at the gateway.
const STOP_WAIT_MS = 5_000;
const NEAR_END_PX = 120;
const SAID_CHARS_MAX = 600;

const element = (id) => document.getElementById(id);
const page = {
  link: element('link'),
  linkText: element('link-text'),
  empty: element('empty'),
  lead: element('empty-lead'),
  examples: element('examples'),
  problem: element('problem'),
  problemMessage: element('problem-message'),
  problemCure: element('problem-cure'),
  retry: element('retry'),
  runs: element('runs'),
  composer: element('composer'),
  alias: element('alias'),
  about: element('alias-about'),
  question: element('question'),
  ask: element('ask'),
  stop: element('stop'),
  announcer: element('announcer'),
  admin: element('admin'),
  signIn: element('sign-in'),
  skip: document.querySelector('.skip'),
  views: { ask: element('view-ask'), admin: element('view-admin') },
};

const session = new Session();
const gateway = new Gateway({ fetch: session.fetch });
const adminView = new AdminView(page.admin, { admin: new Admin(session.fetch), session, onChange: loadAliases, say });
const calm = matchMedia('(prefers-reduced-motion: reduce)');
const touch = matchMedia('(pointer: coarse)');
let aliases = [];
let aliasesAt = -Infinity;
let current = null;

// === Aliases ===

async function loadAliases() {
  aliasesAt = performance.now();
  try {
    showAliases(await gateway.aliases());
  } catch (error) {
    aliasesAt = -Infinity;
    const isStranger = error?.status === 401;
    page.signIn.hidden = !isStranger;
    showLink('lost', isStranger ? 'Not signed in' : 'Not connected');
    if (isStranger) showProblem('This gateway wants to know who asks.', cure(error));
    else if (aliases.length === 0) showProblem(error.message, error instanceof Fault ? cure(error) : 'Reload the page.');
  }
}

function showAliases(list) {
  aliases = list;
  const chosen = page.alias.value || recall();
  const groups = [
    ['Reasoning', list.filter((alias) => alias.is_agent)],
    ['Plain', list.filter((alias) => !alias.is_agent)],
  ];
  const shown = JSON.stringify(groups);
  if (page.alias.dataset.shown !== shown) {
    page.alias.dataset.shown = shown;
    page.alias.replaceChildren(...groups.filter(([, members]) => members.length > 0).map(optionGroup));
    const known = list.find((alias) => alias.id === chosen) ?? groups[0][1][0] ?? list[0];
    if (known) page.alias.value = known.id;
  }
  page.alias.disabled = list.length === 0;
  showAbout();
  showLink(list.length > 0 ? 'ready' : 'lost', count(list.length, 'alias', 'aliases'));
  if (list.length === 0) {
    showProblem('This gateway serves no alias yet.', 'Add one under router_settings.model_group_alias in proxy_config.yaml; it is picked up without a restart.');
    return;
  }
  page.problem.hidden = true;
  page.examples.hidden = false;
}

function optionGroup([label, members]) {
  const group = document.createElement('optgroup');
  group.label = label;
  group.append(...members.map((alias) => new Option(alias.name || alias.id, alias.id)));
  return group;
}

function showAbout() {
  const alias = chosenAlias();
  page.about.textContent = alias ? aliasText(alias) : '';
}

function chosenAlias() {
  return aliases.find((alias) => alias.id === page.alias.value);
}

function showLink(state, text) {
  page.link.dataset.link = state;
  page.linkText.textContent = text;
}

function showProblem(message, what) {
  page.problemMessage.textContent = message;
  page.problemCure.textContent = what;
  page.problem.hidden = false;
  page.examples.hidden = true;
  say(`${message} ${what}`);
}

// Storage may be switched off; the choice is then forgotten, nothing else.
function recall() {
  try {
    return localStorage.getItem(STORE_KEY);
  } catch {
    return null;
  }
}

function remember(id) {
  try {
    localStorage.setItem(STORE_KEY, id);
  } catch {
    // See `recall`.
  }
}

// === Views ===

// The address says which: `#admin`, or anything else for asking.
function showView() {
  const isAdmin = location.hash === '#admin';
  for (const [name, link] of Object.entries(page.views)) {
    if ((name === 'admin') === isAdmin) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  page.admin.hidden = !isAdmin;
  page.skip.hidden = isAdmin;
  page.composer.hidden = isAdmin;
  page.runs.hidden = isAdmin;
  page.empty.hidden = isAdmin || page.runs.childElementCount > 0;
  if (isAdmin) adminView.show();
}

// An old gateway, or none at all: the page then says so when it asks for the aliases.
async function recognise() {
  await session.refresh().catch(() => null);
  showView();
}

// === One run ===

async function ask(question) {
  const alias = chosenAlias();
  if (current !== null || alias === undefined || question === '') return;
  const run = begin({ question, alias: alias.id });
  const live = { run, alias, startedAt: performance.now(), aborter: new AbortController(), frame: 0, said: '' };
  live.view = new RunView(run, { onAgain: () => askAgain(question, alias.id), say });
  current = live;
  showRun(live);
  placeFocus();
  const timer = setInterval(() => showElapsed(live), calm.matches ? 1_000 : 100);
  try {
    for await (const event of gateway.ask(alias, question, live.aborter.signal)) {
      take(live, event);
      live.onEvent?.();
    }
  } catch (error) {
    takeError(live, error);
  } finally {
    live.onEvent?.();
    clearInterval(timer);
    finish(live);
  }
}

function take(live, event) {
  const next = apply(live.run, event);
  // A stopped run is deaf, but its session's id must still be heard, so that the session can be stopped too.
  if (event.type === 'SessionCreated') live.sessionId = event.payload.session_id ?? null;
  if (next === live.run) return;
  live.run = next;
  if (live.frame === 0) live.frame = requestAnimationFrame(() => draw(live));
  const status = statusText(next);
  if (!ended(next) && status !== live.said) {
    live.said = status;
    say(status);
  }
}

function takeError(live, error) {
  if (ended(live.run)) return;
  const known = error instanceof Fault;
  take(live, {
    type: 'Broken',
    payload: known ? { ...error, message: error.message } : { message: `The page itself failed: ${error?.message ?? error}` },
  });
  if (error?.status === 404) loadAliases();
}

function finish(live) {
  if (live.done) return;
  showElapsed(live);
  live.done = true;
  draw(live);
  if (current === live) current = null;
  showControls();
  say(closingWords(live.run));
}

function closingWords(run) {
  if (run.phase === 'done') return `Answer: ${(run.answer?.text ?? '').slice(0, SAID_CHARS_MAX) || 'none'}`;
  if (run.phase === 'failed') return `Failed: ${run.failure.message} ${cure(run.failure)}`;
  return 'Stopped';
}

// The page shows a stopped run at once; the gateway is told as soon as the session's id is known.
async function stop() {
  const live = current;
  if (live === null) return;
  take(live, { type: 'Stopped' });
  finish(live);
  placeFocus();
  try {
    const sessionId = live.alias.is_agent ? await sessionIdOf(live) : null;
    if (sessionId !== null) await gateway.cancel(sessionId);
  } catch {
    live.run = { ...live.run, note: 'The gateway could not be told to stop; the session may go on there until it ends by itself.' };
    draw(live);
  } finally {
    live.aborter.abort();
  }
}

function sessionIdOf(live) {
  if (live.sessionId) return live.sessionId;
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), STOP_WAIT_MS);
    live.onEvent = () => {
      clearTimeout(timer);
      resolve(live.sessionId ?? null);
    };
  });
}

function askAgain(question, aliasId) {
  if (current !== null) return;
  if (aliases.some((alias) => alias.id === aliasId)) choose(aliasId);
  ask(question);
}

// === Drawing ===

function showRun(live) {
  page.empty.hidden = true;
  for (const older of page.runs.children) older.dispatchEvent(new Event('fold'));
  live.view.element.addEventListener('fold', () => live.view.fold());
  page.runs.append(live.view.element);
  while (page.runs.childElementCount > RUNS_MAX) page.runs.firstElementChild.remove();
  showControls();
  showElapsed(live);
  live.view.element.scrollIntoView({ block: 'start' });
}

function draw(live) {
  cancelAnimationFrame(live.frame);
  live.frame = 0;
  const root = document.scrollingElement;
  const following = root.scrollHeight - root.scrollTop - root.clientHeight < NEAR_END_PX;
  live.view.update(live.run);
  if (following) root.scrollTop = root.scrollHeight;
}

// A touch keyboard would cover what the reader asked to watch; with a real one the caret stays for the next question.
function placeFocus() {
  if (touch.matches) page.question.blur();
  else page.question.focus({ preventScroll: true });
}

function showElapsed(live) {
  if (!live.done) live.view.elapsed(performance.now() - live.startedAt);
}

function showControls() {
  const running = current !== null;
  page.ask.hidden = running;
  page.stop.hidden = !running;
  page.composer.classList.toggle('is-running', running);
}

function say(text) {
  page.announcer.textContent = text;
}

// === What the reader does ===

function submit() {
  const question = page.question.value.trim();
  if (current !== null) return;
  if (question === '' || chosenAlias() === undefined) {
    page.question.focus();
    return;
  }
  page.question.value = '';
  fitQuestion();
  ask(question);
}

function choose(id) {
  page.alias.value = id;
  remember(id);
  showAbout();
}

function onQuestionKey(event) {
  const asks = event.key === 'Enter' && !event.shiftKey && !event.altKey && !event.isComposing;
  if (!asks) return;
  event.preventDefault();
  submit();
}

function onPageKey(event) {
  if (event.key === 'Escape' && !event.isComposing && current !== null) {
    event.preventDefault();
    stop();
  }
}

// Where the browser cannot size the box by its content, the page does.
function fitQuestion() {
  if (CSS.supports('field-sizing', 'content')) return;
  page.question.style.height = 'auto';
  page.question.style.height = `${page.question.scrollHeight}px`;
}

function refreshAliases() {
  const stale = performance.now() - aliasesAt > ALIASES_AGE_MS_MAX;
  if (document.visibilityState === 'visible' && stale) loadAliases();
}

page.composer.addEventListener('submit', (event) => {
  event.preventDefault();
  submit();
});
page.question.addEventListener('keydown', onQuestionKey);
page.question.addEventListener('input', fitQuestion);
page.alias.addEventListener('change', () => choose(page.alias.value));
page.retry.addEventListener('click', loadAliases);
// The second click of a double click on Ask falls on Stop, and is not meant for it.
page.stop.addEventListener('click', (event) => event.detail > 1 || stop());
page.examples.addEventListener('click', (event) => {
  const question = event.target.closest('[data-question]')?.dataset.question;
  if (question !== undefined && current === null) ask(question);
});
document.addEventListener('keydown', onPageKey);
document.addEventListener('visibilitychange', refreshAliases);
window.addEventListener('focus', refreshAliases);
window.addEventListener('hashchange', showView);

if (!touch.matches && location.hash !== '#admin') page.question.focus();
await recognise();
await loadAliases();
