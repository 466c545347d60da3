// The format of server-sent events, as the HTML standard has it.

/** Takes a stream apart that comes in pieces of any size. */
export class Parser {
  #rest = '';
  #event = '';
  #data = [];
  #id = '';
  #isFirst = true;

  /** Returns the events that a piece completes, each with its name, its data and the last id so far. */
  push(piece) {
    let text = this.#rest + piece;
    if (this.#isFirst && text !== '') {
      text = text.replace(/^\uFEFF/, '');
      this.#isFirst = false;
    }
    const events = [];
    let start = 0;
    const ends = /\r\n|\n|\r/g;
    for (let end = ends.exec(text); end; end = ends.exec(text)) {
      // The other half of this line end may be in the next piece.
      if (end[0] === '\r' && ends.lastIndex === text.length) break;
      const event = this.#line(text.slice(start, end.index));
      if (event) events.push(event);
      start = ends.lastIndex;
    }
    this.#rest = text.slice(start);
    return events;
  }

  #line(line) {
    if (line === '') return this.#end();
    const colon = line.indexOf(':');
    if (colon === 0) return null;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'event') this.#event = value;
    else if (name === 'data') this.#data.push(value);
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
    return null;
  }

  #end() {
    const event = { event: this.#event || 'message', data: this.#data.join('\n'), id: this.#id };
    const has = this.#data.length > 0;
    this.#event = '';
    this.#data = [];
    return has ? event : null;
  }
}

/** Returns how long to wait before a try: twice as long each time, up to half a minute, and not all clients at once. */
export function backOff(tries, chance = Math.random()) {
  return Math.round(Math.min(30_000, 500 * 2 ** Math.min(tries, 10)) * (0.5 + chance / 2));
}
