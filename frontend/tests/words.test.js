import assert from 'node:assert/strict';
import { test } from 'node:test';

import { apply, begin } from '../run.js';
import { aliasText, count, cure, facts, lines, seconds, statusText } from '../words.js';

const after = (...events) => events.reduce((run, [type, payload]) => apply(run, { type, payload }), begin({ question: 'q', alias: 'a' }));

test('a status says what happens now', () => {
  assert.equal(statusText(after()), 'Connecting');
  assert.equal(statusText(after(['StepStarted', {}])), 'Thinking, step 1');
  assert.equal(statusText(after(['AgentToolCallStart', { call_id: 1, tool_name: 'calculator' }])), 'Calling calculator');
  assert.equal(statusText(after(['Progress', { kind: 'sampling', payload: { message: 'sample 2 of 5' } }], ['StepStarted', {}])), 'Thinking, step 1');
  assert.equal(statusText(after(['StepStarted', {}], ['Progress', { kind: 'sampling', payload: { message: 'sample 2 of 5' } }])), 'sample 2 of 5');
  assert.equal(statusText(after(['Reconnecting', {}])), 'Connection lost, reconnecting');
  assert.equal(statusText(after(['Stopped', {}])), 'Stopped');
});

test('a flat object reads as labelled lines, also out of JSON text', () => {
  assert.deepEqual(lines({ expression: '17 * 23', digits: 3 }), [{ name: 'expression', text: '17 * 23' }, { name: 'digits', text: '3' }]);
  assert.deepEqual(lines('{"result":"391"}'), [{ name: 'result', text: '391' }]);
});

test('any other value reads as itself', () => {
  assert.deepEqual(lines('391'), [{ name: null, text: '391' }]);
  assert.deepEqual(lines('{not json'), [{ name: null, text: '{not json' }]);
  assert.deepEqual(lines({ a: { b: 1 } }), [{ name: null, text: '{\n  "a": {\n    "b": 1\n  }\n}' }]);
  assert.deepEqual(lines(null), []);
  assert.deepEqual(lines('null'), [{ name: null, text: 'null' }]);
});

test('times and counts read naturally', () => {
  assert.deepEqual([seconds(0), seconds(1_234), seconds(61_000)], ['0.0 s', '1.2 s', '1 min 1 s']);
  assert.deepEqual([count(1, 'alias', 'aliases'), count(1_200, 'token')], ['1 alias', '1,200 tokens']);
});

test('facts tell the attempts only when there was more than one a model call', () => {
  const names = (attempts) => facts(after(['LlmCall', { profile: 'p', attempts }])).map(({ name }) => name);
  assert.deepEqual(names(1), ['served by']);
  assert.deepEqual(names(2), ['served by', 'attempts']);
});

test('every failure has a cure', () => {
  for (const failure of [{}, { code: 'unreachable' }, { code: 'interrupted' }, ...[400, 401, 404, 413, 429, 500, 503].map((status) => ({ status }))]) {
    assert.match(cure(failure), /\.$/, JSON.stringify(failure));
  }
  assert.match(cure({ status: 503, retryAfterSeconds: 42 }), /42 seconds/);
});

test('an alias tells its pattern and its tools', () => {
  assert.equal(aliasText({ is_agent: true, reasoning_mode: 'basic_react', tools: ['calculator', { name: 'clock' }] }), 'Reasons with basic_react · tools: calculator, clock');
  assert.equal(aliasText({ is_agent: false }), 'Answers directly, without reasoning steps');
});
