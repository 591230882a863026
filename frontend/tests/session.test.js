import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Session } from '../session.js';

function answering(...replies) {
  const calls = [];
  const fetch = async (path, init) => {
    calls.push({ path, ...init });
    const [status, body] = replies.shift() ?? [200, {}];
    return new Response(JSON.stringify(body), { status });
  };
  return { session: new Session({ fetch }), calls };
}

const SIGNED_IN = { name: 'ada', scope: 'admin', signed_in: true, csrf: 'token' };

test('once signed in, what changes anything bears the token and what reads does not', async () => {
  const { session, calls } = answering([200, SIGNED_IN]);
  await session.signIn('sk-magic-x');
  await session.fetch('v1/models', {});
  await session.fetch('v1/chat/completions', { method: 'POST', headers: { 'Content-Type': 'application/json' } });
  await session.fetch('v1/react/sessions/s', { method: 'DELETE' });

  assert.deepEqual(JSON.parse(calls[0].body), { key: 'sk-magic-x' });
  assert.equal(calls[1].headers?.['x-magic-csrf'], undefined);
  assert.deepEqual(calls[2].headers, { 'Content-Type': 'application/json', 'x-magic-csrf': 'token' });
  assert.equal(calls[3].headers['x-magic-csrf'], 'token');
});

test('a page that is loaded anew finds its session again', async () => {
  const { session, calls } = answering([200, SIGNED_IN]);
  assert.equal((await session.refresh()).name, 'ada');
  await session.fetch('x', { method: 'POST' });
  assert.equal(calls[1].headers['x-magic-csrf'], 'token');
});

test('a refused sign-in says why and leaves nobody signed in', async () => {
  const { session, calls } = answering([401, { error: { message: 'no such key' } }]);
  await assert.rejects(session.signIn('wrong'), /no such key/);
  assert.equal(session.who, null);
  await session.fetch('x', { method: 'POST' });
  assert.equal(calls[1].headers, undefined);
});

test('after signing out no request bears the token', async () => {
  const { session, calls } = answering([200, SIGNED_IN], [200, {}]);
  await session.signIn('sk-magic-x');
  await session.signOut();
  await session.fetch('x', { method: 'POST' });
  assert.equal(calls[1].headers['x-magic-csrf'], 'token', 'signing out itself is a change');
  assert.equal(calls[2].headers, undefined);
  assert.equal(session.who, null);
});
