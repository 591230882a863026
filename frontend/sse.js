// Turns the bytes of a text/event-stream into frames. Owns framing only: knows nothing of fetch, sessions or JSON.

// A frame larger than this is a broken peer, not a message; 4 Mi characters is far above the largest tool output.
export const FRAME_CHARS_MAX = 4 * 1024 * 1024;

/**
 * Incremental parser: feed it byte chunks cut anywhere (inside a character, between CR and LF) and it returns the
 * frames that became complete, as `{ id, event, data }`. An unfinished frame at the end of the stream is dropped, as the
 * event-stream format asks. Throws `RangeError` once a frame passes `FRAME_CHARS_MAX`.
 */
export class Parser {
  #decoder = new TextDecoder('utf-8');
  #line = '';
  #afterCr = false;
  #data = [];
  #dataChars = 0;
  #event = '';
  /** The last `id:` seen in a complete frame: what `Last-Event-ID` must say on reconnecting. */
  lastId = '';
  #id = '';

  feed(bytes) {
    const frames = [];
    let text = this.#decoder.decode(bytes, { stream: true });
    if (this.#afterCr && text !== '') {
      this.#afterCr = false;
      if (text[0] === '\n') text = text.slice(1);
    }
    let start = 0;
    for (let at = nextEnd(text, 0); at !== -1; at = nextEnd(text, start)) {
      this.#take(text.slice(start, at), frames);
      start = at + 1;
      if (text[at] !== '\r') continue;
      if (start === text.length) this.#afterCr = true;
      else if (text[start] === '\n') start += 1;
    }
    this.#line += text.slice(start);
    this.#refuseOversize();
    return frames;
  }

  #take(tail, frames) {
    const line = this.#line + tail;
    this.#line = '';
    if (line === '') return this.#dispatch(frames);
    const colon = line.indexOf(':');
    if (colon === 0) return undefined;
    const name = colon === -1 ? line : line.slice(0, colon);
    let value = colon === -1 ? '' : line.slice(colon + 1);
    if (value[0] === ' ') value = value.slice(1);
    if (name === 'data') {
      this.#data.push(value);
      this.#dataChars += value.length + 1;
      this.#refuseOversize();
    } else if (name === 'event') this.#event = value;
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
    return undefined;
  }

  #dispatch(frames) {
    this.lastId = this.#id;
    if (this.#data.length > 0) {
      frames.push({ id: this.lastId, event: this.#event || 'message', data: this.#data.join('\n') });
    }
    this.#data = [];
    this.#dataChars = 0;
    this.#event = '';
  }

  #refuseOversize() {
    if (this.#line.length + this.#dataChars > FRAME_CHARS_MAX) {
      throw new RangeError(`a stream frame is larger than ${FRAME_CHARS_MAX} characters`);
    }
  }
}

// Where the line that begins at `from` ends: at an LF, a CR or a CRLF, whichever comes first; -1 when it has not ended yet.
function nextEnd(text, from) {
  const lf = text.indexOf('\n', from);
  const cr = text.indexOf('\r', from);
  if (lf === -1) return cr;
  return cr === -1 ? lf : Math.min(lf, cr);
}
