// What the page asks of the server, and the errors it may get.

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Refused(0, "The server does not answer; start vad review again. What it called saved is saved.");
  }
  if (!response.ok) throw new Refused(response.status, await response.text());
  return response;
}

export async function get(path) {
  return (await ask(path)).json();
}

export async function post(path, body) {
  const headers = { "content-type": "application/json" };
  return (await ask(path, { method: "POST", headers, body: JSON.stringify(body) })).json();
}

export async function bytes(path) {
  return new Uint8Array(await (await ask(path)).arrayBuffer());
}
