// Drives the page at `/` in headless Chromium against a gateway that is already running: the main job, the keyboard, phone
// width and Stop. Starts no server. Settings come by environment; `settings` below is the list.

import { chromium } from 'playwright-core';

const env = (name, otherwise) => process.env[name] ?? otherwise;
const settings = {
  base: env('MAGIC_BASE', 'http://127.0.0.1:8001').replace(/\/$/, ''),
  chromium: env('MAGIC_CHROMIUM', '/usr/bin/chromium'),
  screenshot: env('MAGIC_SCREENSHOT', ''),
  alias: env('MAGIC_ALIAS', 'local-react'),
  question: env('MAGIC_QUESTION', 'What is 17 * 23?'),
  tool: env('MAGIC_EXPECT_TOOL', 'calculator'),
  result: env('MAGIC_EXPECT_RESULT', '391'),
  // What the answer must contain; empty = any answer will do.
  answer: env('MAGIC_EXPECT_ANSWER', env('MAGIC_EXPECT_RESULT', '391')),
  longQuestion: env('MAGIC_LONG_QUESTION', 'Count from 1 to 500 and explain every number.'),
  // How long one run of the model may take on a slow machine.
  runMsMax: Number(env('MAGIC_RUN_MS_MAX', '180000')),
};
const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const PAGE_MS_MAX = 15_000;

let passed = 0;
let failed = 0;

function check(claim, holds, seen) {
  if (holds) passed += 1;
  else failed += 1;
  const detail = holds || seen === undefined ? '' : `\n     saw: ${JSON.stringify(seen)}`;
  process.stdout.write(`${holds ? 'ok  ' : 'FAIL'} ${claim}${detail}\n`);
}

// Chromium reports a stream as aborted when Stop left it, but also when it was read to its end and had `no-store`. The runs'
// own states tell the two apart; every other way for a stream to end early is a failure.
const LEFT_STREAM = /^POST \S+\/v1\/react\/sessions net::ERR_ABORTED$/;

// Everything the page must never do, collected as it happens.
function watch(page) {
  const seen = { consoleErrors: [], failedRequests: [], foreignRequests: [], badResponses: [] };
  page.on('console', (message) => message.type() === 'error' && seen.consoleErrors.push(message.text()));
  page.on('pageerror', (error) => seen.consoleErrors.push(String(error)));
  page.on('requestfailed', (request) => {
    const line = `${request.method()} ${request.url()} ${request.failure()?.errorText}`;
    if (!LEFT_STREAM.test(line)) seen.failedRequests.push(line);
  });
  page.on('request', (request) => new URL(request.url()).origin === new URL(settings.base).origin || seen.foreignRequests.push(request.url()));
  page.on('response', (response) => response.status() >= 400 && seen.badResponses.push(`${response.status()} ${response.url()}`));
  return seen;
}

function checkQuiet(when, seen) {
  check(`${when}: no console error`, seen.consoleErrors.length === 0, seen.consoleErrors);
  check(`${when}: no failed request`, seen.failedRequests.length + seen.badResponses.length === 0, [...seen.failedRequests, ...seen.badResponses]);
  check(`${when}: no request to another origin`, seen.foreignRequests.length === 0, seen.foreignRequests);
}

async function open(browser, viewport) {
  const context = await browser.newContext({ viewport, deviceScaleFactor: 1, colorScheme: 'light' });
  const page = await context.newPage();
  page.setDefaultTimeout(PAGE_MS_MAX);
  const seen = watch(page);
  await page.goto(`${settings.base}/`);
  await page.locator(`#alias option[value="${settings.alias}"]`).waitFor({ state: 'attached' });
  return { page, seen };
}

async function mainJob(page) {
  await page.selectOption('#alias', settings.alias);
  await page.fill('#question', settings.question);
  await page.keyboard.press('Enter');
  const run = page.locator('.run').last();
  check('Stop replaces Ask while a run is on', (await page.locator('#stop').isVisible()) && !(await page.locator('#ask').isVisible()));
  await endOf(run);

  const phase = await run.getAttribute('data-phase');
  const failure = await run.locator('[data-part=failure]').textContent();
  check('the run ends with an answer', phase === 'done', { phase, failure });
  const thoughts = await visibleTexts(run.locator('[data-part=thought]'));
  check('a thought is visible', thoughts.some((text) => /\w/.test(text)), thoughts);
  const calls = await callsOf(run);
  const wanted = calls.find((call) => call.tool === settings.tool && call.status === 'ok' && call.results.some((text) => text.includes(settings.result)));
  check(`a call of ${settings.tool} with the result ${settings.result} is visible`, wanted !== undefined, calls);
  check('that call shows its arguments', wanted?.given.some((text) => /\S/.test(text)) === true, calls);
  const answers = await visibleTexts(run.locator('[data-part=answer]'));
  check(`an answer${settings.answer ? ` with ${settings.answer}` : ''} is visible`, answers.some((text) => /\S/.test(text) && text.includes(settings.answer)), answers);
  const facts = (await visibleTexts(run.locator('.facts > div'))).join(' | ');
  check('profile, steps and tokens are told', /served by/.test(facts) && /steps/.test(facts) && /tokens/.test(facts), facts);
  check('the answer is announced', /^Answer: /.test(await page.locator('#announcer').textContent()));
}

function endOf(run) {
  return run.and(run.page().locator(':is([data-phase=done], [data-phase=failed], [data-phase=stopped])')).waitFor({ timeout: settings.runMsMax });
}

async function visibleTexts(locator) {
  const texts = [];
  for (const item of await locator.all()) if (await item.isVisible()) texts.push(await item.innerText());
  return texts;
}

async function callsOf(run) {
  const calls = [];
  for (const call of await run.locator('[data-part=call]').all()) {
    calls.push({
      tool: await call.locator('[data-part=tool]').innerText(),
      status: await call.getAttribute('data-status'),
      given: await visibleTexts(call.locator('[data-part=argument]')),
      results: await visibleTexts(call.locator('[data-part=result]')),
    });
  }
  return calls;
}

// Where the focus is, and whether it can be seen there: by an outline of the element or, for the question, of its card.
const focusNow = () => {
  const element = document.activeElement;
  const card = element.id === 'question' ? element.closest('.composer-card') : element;
  const style = getComputedStyle(card);
  const box = element.getBoundingClientRect();
  return {
    name: element.id || element.dataset.question || element.className || element.tagName,
    visible: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 && box.bottom > 0 && box.top < innerHeight,
  };
};

async function walk(page, key, steps) {
  const names = [];
  const unseen = [];
  for (let n = 0; n < steps; n += 1) {
    await page.keyboard.press(key);
    // The skip link slides in; its place counts once it has arrived.
    await page.evaluate(() => Promise.all(document.getAnimations().filter((it) => it instanceof CSSTransition).map((it) => it.finished)));
    const focus = await page.evaluate(focusNow);
    names.push(focus.name);
    if (!focus.visible) unseen.push(focus.name);
  }
  return { names, unseen };
}

async function keyboard(page) {
  check('the question has the focus at the start', (await page.evaluate(focusNow)).name === 'question');
  const examples = await page.locator('.example').evaluateAll((items) => items.map((item) => item.dataset.question));
  check('two example questions are offered', examples.length === 2, examples);
  const back = await walk(page, 'Shift+Tab', 6);
  const expectedBack = ['alias', ...examples.toReversed(), 'view-admin', 'view-ask', 'skip'];
  check('Shift+Tab goes to the alias, the examples, the views and the skip link', same(back.names, expectedBack), back.names);
  const forth = await walk(page, 'Tab', 7);
  check('Tab goes through views, examples, alias and question to Ask', same(forth.names, ['view-ask', 'view-admin', ...examples, 'alias', 'question', 'ask']), forth.names);
  check('the focus is visible at every stop', back.unseen.length + forth.unseen.length === 0, [...back.unseen, ...forth.unseen]);
  const unnamed = await page.evaluate(() => [...document.querySelectorAll('button, select, textarea')].filter((item) => !(item.labels?.length || item.textContent.trim())).map((item) => item.id));
  check('every control has a name', unnamed.length === 0, unnamed);
}

function same(left, right) {
  return JSON.stringify(left) === JSON.stringify(right);
}

async function checkWidth(page, claim) {
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  check(claim, content <= window, { content, window });
}

async function stopping(page, name, how) {
  await page.fill('#question', settings.longQuestion);
  const cancelled = page.waitForResponse((response) => response.request().method() === 'DELETE');
  await page.keyboard.press('Control+Enter');
  const run = page.locator('.run').last();
  await page.locator('#stop').waitFor();
  await how();
  await endOf(run);
  const phase = await run.getAttribute('data-phase');
  check(`${name} stops the run`, phase === 'stopped' && /Stopped/.test(await run.locator('.status-text').innerText()), phase);
  const response = await cancelled.catch(() => null);
  check(`${name} stops the session at the gateway`, response?.ok() === true, response?.status());
  check(`${name} gives Ask back and offers to ask again`, (await page.locator('#ask').isVisible()) && (await run.locator('[data-part=again]').isVisible()));
}

async function desktop(browser) {
  const { page, seen } = await open(browser, { width: 1280, height: 900 });
  await keyboard(page);
  await page.locator('#question').focus();
  await mainJob(page);
  await checkWidth(page, 'no sideways scrolling at 1280 px');
  if (settings.screenshot) {
    // Motion is over and the pointer is away: the picture is the same every time.
    await page.evaluate(() => Promise.allSettled(document.getAnimations().map((it) => it.finished)));
    await page.screenshot({ path: settings.screenshot, animations: 'disabled' });
  }
  checkQuiet('main job', seen);
  await stopping(page, 'Stop', () => page.locator('#stop').click());
  await stopping(page, 'Escape', () => page.keyboard.press('Escape'));
  check('the earlier thinking is folded away', !(await page.locator('.run').first().locator('.thinking').evaluate((it) => it.open)));
  checkQuiet('after stopping', seen);
  await page.context().close();
}

async function phone(browser) {
  const { page, seen } = await open(browser, { width: 360, height: 740 });
  await checkWidth(page, 'no sideways scrolling at 360 px before a question');
  await page.selectOption('#alias', settings.alias);
  await page.locator('.example').first().click();
  await endOf(page.locator('.run').last());
  await checkWidth(page, 'no sideways scrolling at 360 px after an answer');
  const covered = await page.evaluate(() => document.querySelector('.composer').getBoundingClientRect().height / innerHeight);
  check('at 360 px the composer leaves most of the screen to the run', covered < 0.4, covered);
  checkQuiet('phone', seen);
  await page.context().close();
}

const browser = await chromium.launch({ executablePath: settings.chromium, headless: true, args: FLAGS });
try {
  await desktop(browser);
  await phone(browser);
} catch (error) {
  check(`the test runs to its end: ${error.message}`, false);
} finally {
  await browser.close();
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
