import assert from 'node:assert/strict';
import { test } from 'node:test';

import { apply, begin, BLOCKS_MAX, ended, TEXT_CHARS_MAX } from '../run.js';

const fresh = () => begin({ question: 'What is 17 * 23?', alias: 'local-react' });
const after = (events, run = fresh()) => events.reduce((state, [type, payload]) => apply(state, { type, payload }), run);
const call = (id, tool = 'calculator') => ['AgentToolCallStart', { call_id: id, tool_name: tool, arguments: { expression: '17 * 23' } }];

const CREATED = ['SessionCreated', { session_id: 's1', alias: 'local-react', pattern: 'basic_react' }];
const STEP = ['StepStarted', { step: 1 }];

test('a whole session shows its thoughts, its call, its answer and what it took', () => {
  const run = after([
    CREATED,
    STEP,
    ['AgentThoughtStream', { text: 'I need ' }],
    ['AgentThoughtStream', { text: 'the calculator.\n' }],
    ['LlmCall', { profile: 'small', attempts: 1, usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } }],
    call('c1'),
    ['AgentToolCallEnd', { call_id: 'c1', ok: true, output: '391' }],
    ['Observation', { text: '391' }],
    ['StepStarted', { step: 2 }],
    ['LlmCall', { profile: 'large', attempts: 2, usage: { prompt_tokens: 20, completion_tokens: 5, total_tokens: 25 } }],
    ['FinalAnswerStream', { text: ' It is' }],
    ['FinalAnswerStream', { text: ' 391. ' }],
    ['FinalAnswerStreamEnd', { answer: 'It is 391.', usage: { prompt_tokens: 30, completion_tokens: 10, total_tokens: 40 } }],
  ]);
  assert.equal(run.phase, 'done');
  assert.equal(run.sessionId, 's1');
  assert.deepEqual(run.blocks.map(({ kind, step, text, status, output }) => ({ kind, step, text, status, output })), [
    { kind: 'thought', step: 1, text: 'I need the calculator.', status: undefined, output: undefined },
    { kind: 'call', step: 1, text: undefined, status: 'ok', output: '391' },
  ]);
  assert.equal(run.answer.text, 'It is 391.');
  assert.equal(run.answer.revision, 0, 'the streamed text was only added to');
  assert.deepEqual([run.steps, run.calls, run.attempts, run.modelCalls], [2, 1, 3, 2]);
  assert.deepEqual(run.profiles, ['small', 'large']);
  assert.equal(run.usage.total, 40);
});

test('every phase follows from its event', () => {
  const phases = [];
  let run = fresh();
  phases.push(run.phase);
  for (const [type, payload] of [CREATED, call('a'), call('b'), ['AgentToolCallEnd', { call_id: 'a' }], ['AgentToolCallEnd', { call_id: 'b' }], ['FinalAnswerStream', { text: 'x' }], ['FinalAnswerStreamEnd', {}]]) {
    run = apply(run, { type, payload });
    phases.push(run.phase);
  }
  assert.deepEqual(phases, ['connecting', 'thinking', 'calling', 'calling', 'calling', 'thinking', 'answering', 'done']);
});

test('a failed call keeps its message and the run goes on', () => {
  const run = after([CREATED, STEP, call('c'), ['AgentToolCallEnd', { call_id: 'c', ok: false, output: 'no such number' }]]);
  assert.deepEqual([run.phase, run.blocks[0].status, run.blocks[0].output], ['thinking', 'failed', 'no such number']);
});

test('an ended run is deaf', () => {
  for (const last of [['FinalAnswerStreamEnd', { answer: 'x' }], ['SessionFailed', { code: 'c', message: 'm' }], ['SessionCancelled', {}], ['Stopped', {}], ['Broken', { message: 'm' }]]) {
    const run = after([CREATED, last]);
    assert.ok(ended(run), last[0]);
    assert.equal(apply(run, { type: 'FinalAnswerStream', payload: { text: 'late' } }), run, last[0]);
  }
});

test('stopping leaves no call running', () => {
  const run = after([CREATED, STEP, call('c'), ['Stopped', {}]]);
  assert.deepEqual([run.phase, run.blocks[0].status], ['stopped', 'unfinished']);
});

test('a failure always has a message', () => {
  assert.deepEqual(after([CREATED, ['SessionFailed', { code: 'no_leg', message: 'all failed' }]]).failure, {
    code: 'no_leg',
    message: 'all failed',
    status: null,
    retryAfterSeconds: null,
  });
  assert.notEqual(after([CREATED, ['SessionFailed', {}]]).failure.message, '');
});

test('reconnecting is over with the next event', () => {
  const lost = after([CREATED, ['Reconnecting', {}]]);
  assert.equal(lost.reconnecting, true);
  assert.equal(after([['AgentThoughtStream', { text: 'on' }]], lost).reconnecting, false);
});

test('an answer that differs from what was streamed replaces it', () => {
  const run = after([CREATED, ['FinalAnswerStream', { text: 'draft' }], ['FinalAnswerStreamEnd', { answer: 'final' }]]);
  assert.deepEqual([run.answer.text, run.answer.revision], ['final', 1]);
});

test('an answer that was never streamed is shown all the same', () => {
  assert.equal(after([CREATED, ['FinalAnswerStreamEnd', { answer: 'whole' }]]).answer.text, 'whole');
});

test('white space around a text is not shown, within it is kept', () => {
  const pieces = ['\n\n', ' a', ' \n', '\nb', '  '];
  assert.equal(after([CREATED, STEP, ...pieces.map((text) => ['AgentThoughtStream', { text }])]).blocks[0].text, 'a \n\nb');
});

test('a thought of nothing but white space makes no block', () => {
  assert.equal(after([CREATED, STEP, ['AgentThoughtStream', { text: ' \n' }]]).blocks.length, 0);
});

test('an observation is shown only where no call of its step says it', () => {
  const repair = after([CREATED, STEP, ['Observation', { text: 'the action is not JSON' }]]);
  assert.deepEqual(repair.blocks.map(({ kind, text }) => [kind, text]), [['note', 'the action is not JSON']]);
});

test('texts and blocks are bounded, and the run knows what it left out', () => {
  const long = after([CREATED, STEP, ['AgentThoughtStream', { text: 'x'.repeat(TEXT_CHARS_MAX) }], ['AgentThoughtStream', { text: 'y' }]]);
  assert.deepEqual([long.blocks[0].text.length, long.blocks[0].cut], [TEXT_CHARS_MAX, true]);
  const many = after([CREATED, STEP, ...Array.from({ length: BLOCKS_MAX + 5 }, (_, n) => call(`c${n}`))]);
  assert.deepEqual([many.blocks.length, many.blocksMade, many.blocks[0].callId], [BLOCKS_MAX, BLOCKS_MAX + 5, 'c5']);
});

test('events of a later gateway and odd payloads change nothing and break nothing', () => {
  const run = after([CREATED, STEP]);
  assert.equal(apply(run, { type: 'SomethingNew', payload: { x: 1 } }), run);
  assert.equal(apply(run, { type: 'toString', payload: {} }), run);
  for (const type of ['AgentThoughtStream', 'AgentToolCallStart', 'AgentToolCallEnd', 'Observation', 'LlmCall', 'Progress', 'FinalAnswerStream', 'FinalAnswerStreamEnd', 'SessionFailed']) {
    assert.doesNotThrow(() => apply(run, { type, payload: undefined }), type);
    assert.doesNotThrow(() => apply(run, { type, payload: { text: 7, usage: 'no', attempts: 'many', answer: {} } }), type);
  }
});

test('an earlier state is never changed by a later event', () => {
  const before = after([CREATED, STEP, call('c')]);
  const copy = structuredClone(before);
  after([['AgentToolCallEnd', { call_id: 'c', ok: true, output: '391' }], ['AgentThoughtStream', { text: 'x' }], ['FinalAnswerStreamEnd', { answer: 'y' }]], before);
  assert.deepEqual(before, copy);
});

test('a restart voids what was half told of the step, and nothing before it', () => {
  const run = after([
    CREATED,
    STEP,
    ['AgentThoughtStream', { text: 'First.' }],
    ['StepStarted', { step: 2 }],
    ['AgentThoughtStream', { text: 'Half a thou' }],
    ['FinalAnswerStream', { text: 'Half an ans' }],
    ['Progress', { kind: 'restarted', payload: { void_from: 4 } }],
    ['AgentThoughtStream', { text: 'Another.' }],
    ['Progress', { kind: 'ladder', payload: { protocol: 'tags', rungs: { tag: 2 } } }],
  ]);
  assert.deepEqual(run.blocks.map(({ step, text }) => [step, text]), [[1, 'First.'], [2, 'Another.']]);
  assert.equal(run.answer, null);
  assert.equal(run.progress, null);
});
