import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FRAME_CHARS_MAX, Parser } from '../sse.js';

const encode = (text) => new TextEncoder().encode(text);

function parse(...chunks) {
  const parser = new Parser();
  return chunks.flatMap((chunk) => parser.feed(chunk));
}

const STREAM = [
  '\uFEFF: keep-alive\r\n\r\n',
  'id: 0\nevent: SessionCreated\ndata: {"a":1}\n\n',
  'id: 1\r\nevent: AgentThoughtStream\r\ndata: {"text":"naïve ✓ 🧮"}\r\n\r\n',
  'id: 2\rdata: one\rdata:two\rdata\r\r',
  'retry: 10\nunknown: x\n\n',
  'data: no id of its own\n\n',
  'id: 9\nevent: cut\ndata: never dispatched',
].join('');

const FRAMES = [
  { id: '0', event: 'SessionCreated', data: '{"a":1}' },
  { id: '1', event: 'AgentThoughtStream', data: '{"text":"naïve ✓ 🧮"}' },
  { id: '2', event: 'message', data: 'one\ntwo\n' },
  { id: '2', event: 'message', data: 'no id of its own' },
];

test('a whole stream gives its frames and drops the unfinished one', () => {
  assert.deepEqual(parse(encode(STREAM)), FRAMES);
});

test('a cut at any byte changes nothing', () => {
  const bytes = encode(STREAM);
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    assert.deepEqual(parse(bytes.subarray(0, cut), bytes.subarray(cut)), FRAMES, `cut at byte ${cut}`);
  }
});

test('cuts at any two bytes change nothing', () => {
  const bytes = encode(STREAM);
  for (let first = 0; first <= bytes.length; first += 1) {
    for (let second = first; second <= bytes.length; second += 3) {
      const frames = parse(bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second));
      assert.deepEqual(frames, FRAMES, `cuts at bytes ${first} and ${second}`);
    }
  }
});

test('a stream fed byte by byte gives the same frames', () => {
  assert.deepEqual(parse(...Array.from(encode(STREAM), (byte) => Uint8Array.of(byte))), FRAMES);
});

test('the last id is that of the last complete frame, not of a cut one', () => {
  const parser = new Parser();
  parser.feed(encode('id: 4\ndata: x\n\nid: 5\ndata: y\n'));
  assert.equal(parser.lastId, '4');
});

test('an id with a null in it is ignored', () => {
  assert.deepEqual(parse(encode('id: 1\n\nid: a\0b\ndata: x\n\n')), [{ id: '1', event: 'message', data: 'x' }]);
});

test('a frame past the bound is refused, in one line or in many', () => {
  const half = encode(`data: ${'x'.repeat(FRAME_CHARS_MAX / 2)}\n`);
  const parser = new Parser();
  parser.feed(half);
  assert.throws(() => parser.feed(half), RangeError);
  assert.throws(() => parse(encode('x'.repeat(FRAME_CHARS_MAX + 1))), RangeError);
});
