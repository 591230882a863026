import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Admin, Refusal, breakerRows, componentRows, covers, diffLines, keyRows, sessionText, usageTable, virtualKeyRow, withLineEnds } from '../admin.js';

function answering(status, body) {
  const calls = [];
  const admin = new Admin(async (path, init) => {
    calls.push({ path, ...init });
    return new Response(JSON.stringify(body), { status });
  });
  return { admin, calls };
}

test('a config is written over the one that was read, and tried without writing', async () => {
  const { admin, calls } = answering(200, { etag: '"b"' });
  await admin.changeConfig('a: 1\n', '"a"', { dryRun: true });
  await admin.changeConfig('a: 1\n', '"a"', { dryRun: false });
  assert.deepEqual(calls.map(({ path }) => path), ['admin/config?dry_run=true', 'admin/config']);
  assert.ok(calls.every(({ method, headers }) => method === 'PUT' && headers['If-Match'] === '"a"'));
  assert.deepEqual(JSON.parse(calls[1].body), { text: 'a: 1\n' });
});

test('a refused config shows every problem and the diff', async () => {
  const { admin } = answering(422, { error: { message: 'bad' }, problems: ['x: unknown'], diff: '-a' });
  const error = await admin.changeConfig('', '"a"', { dryRun: false }).catch((caught) => caught);
  assert.ok(error instanceof Refusal);
  assert.deepEqual([error.status, error.message, error.problems, error.diff], [422, 'bad', ['x: unknown'], '-a']);
});

test('a new key has the aliases that were typed, or all', async () => {
  const { admin, calls } = answering(201, { secret: 'sk-magic-x' });
  await admin.createKey({ name: 'ci', scope: 'user', aliases: ' fast, gpt-* ,' });
  await admin.createKey({ name: 'ci', scope: 'user', aliases: ' ' });
  assert.deepEqual(calls.map(({ body }) => JSON.parse(body).aliases), [['fast', 'gpt-*'], undefined]);
});

test('a scope covers itself and those below it', () => {
  assert.deepEqual(['user', 'viewer', 'operator', 'admin'].map((scope) => covers(scope, 'operator')), [false, false, true, true]);
  assert.equal(covers(undefined, 'viewer'), false);
});

test('what the gateway says becomes rows', () => {
  assert.deepEqual(componentRows({ components: [{ name: 'a', kind: 'tool', status: 'stale', problem: 'cut off' }] }), [['a', 'tool', 'stale', 'cut off']]);
  const key = { id: 'openai-1', state: 'quarantined', why: 'rate_limited', seconds_left: 7 };
  assert.deepEqual(keyRows({ pools: [{ pool: 'openai', keys: [key] }] }), [['openai', 'openai-1', 'quarantined, 7 s left', 'rate_limited']]);
  assert.deepEqual(breakerRows({ breakers: [{ profile: 'p', state: 'closed', failures: 2 }] }), [['p', 'closed', '2']]);
  assert.match(sessionText({ running: 1, waiting: 2, places: 64, ended: { answered: 3 } }), /^1 running of 64, 2 waiting\. .*3 answered, 0 failed/);
  assert.deepEqual(virtualKeyRow({ name: 'ci', id: 'vk_1', scope: 'user', team: null, aliases: null, standing: 'active' }), ['ci', 'vk_1', 'user', '', 'all', 'active']);
  assert.deepEqual(usageTable('day,key', [{ day: '2026-11-28', key: 'vk_1', requests: 3, tokens_in: 4, tokens_out: 5, cost: '0.01' }]), {
    columns: ['day', 'key', 'requests', 'tokens_in', 'tokens_out', 'cost'],
    rows: [['2026-11-28', 'vk_1', '3', '4', '5', '0.01']],
  });
});

test('lines of a diff are told apart', () => {
  const kinds = diffLines('--- f\n+++ f\n@@ -1 +1 @@\n a\n-b\n+c\n').map(({ kind }) => kind);
  assert.deepEqual(kinds, ['place', 'place', 'place', 'same', 'cut', 'add']);
  assert.deepEqual(diffLines(''), []);
});

test('a file with CRLF line ends keeps them', () => {
  assert.equal(withLineEnds('a: 2\n\nb: 1\n', 'a: 1\r\n\r\nb: 1\r\n'), 'a: 2\r\n\r\nb: 1\r\n');
  assert.equal(withLineEnds('a: 2\n', 'a: 1\n'), 'a: 2\n');
  assert.equal(withLineEnds('a: 2\nb: 1\n', 'a: 1\r\nb: 1\n'), 'a: 2\nb: 1\n', 'of two kinds none is the file\'s');
});
