// Makes elements. Text goes in as text: nothing that a model or a file says can become markup.

export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A table with a caption for screen readers; `rows` are lists of texts or elements. */
export function table(caption, heads, rows) {
  const head = make('tr', {}, ...heads.map((text) => make('th', { scope: 'col' }, text)));
  const body = rows.map((cells) => make('tr', {}, ...cells.map((cell) => make('td', {}, cell ?? ''))));
  const whole = make('table', {}, make('caption', { class: 'sr' }, caption), make('thead', {}, head), make('tbody', {}, ...body));
  // Wide tables scroll by themselves, and can then be reached by keyboard.
  return make('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption }, whole);
}
