// What the page asks of the server, and the errors it may get.

const AGAIN = 500; // milliseconds until what had no answer is asked for again
const REFUSALS = [400, 409, 413, 422]; // of what would be refused again

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function ask(path, read, options) {
  let response, content;
  try {
    response = await fetch(path, options);
    content = await (response.ok ? read(response) : response.text());
  } catch {
    throw new Refused(0, "The server does not answer; start vad review again. What it called saved is saved.");
  }
  if (!response.ok) throw new Refused(response.status, content);
  return content;
}

const json = (response) => response.json();

export function get(path) {
  return ask(path, json);
}

export function post(path, body) {
  const headers = { "content-type": "application/json" };
  return ask(path, json, { method: "POST", headers, body: JSON.stringify(body) });
}

// Ask until there is an answer: no server may be there, or another one. `say` gets what is wrong meanwhile.
export async function insist(request, say) {
  for (;;) {
    try {
      return await request();
    } catch (error) {
      if (!(error instanceof Refused) || REFUSALS.includes(error.status)) throw error;
      say(error.message);
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }
}

export function bytes(path) {
  return ask(path, async (response) => new Uint8Array(await response.arrayBuffer()));
}
