// Small pieces of the page, made of text: never of markup, as names of recordings may hold some.

export const percent = (share) => (share === null || share === undefined ? "" : `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`);

export function part(tag, kind, text) {
  const element = document.createElement(tag);
  element.className = kind;
  element.textContent = text;
  return element;
}

// A value whose meaning is shown to who points at it, and said to who listens.
export function fact(text, meaning) {
  const element = part("span", "fact", text);
  element.title = meaning;
  if (text) element.append(part("span", "for-readers", ` ${meaning}`));
  return element;
}

// A row of a table: its name, and its values.
export function tableRow(title, ...values) {
  const row = document.createElement("tr");
  const head = part("th", "", title);
  head.scope = "row";
  row.append(head);
  for (const value of values) row.insertCell().textContent = value;
  return row;
}
