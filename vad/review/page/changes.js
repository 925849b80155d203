// Changes of segments [start, end], as the server takes them: {layer, remove, add}. Nothing here changes anything.

const SHORTEST = 0.02; // seconds of a segment that is worth keeping

export const ms = (seconds) => Math.round(seconds * 1000) / 1000;
export const same = (a, b) => a[0] === b[0] && a[1] === b[1];
const overlaps = (segment, start, end) => segment[0] < end && segment[1] > start;

export function between(segments, start, end) {
  return segments.filter((segment) => overlaps(segment, start, end));
}

export function at(segments, time) {
  return segments.find(([start, end]) => start <= time && time < end) || null;
}

function change(layer, remove, add) {
  const kept = remove.filter((old) => !add.some((one) => same(one, old)));
  const fresh = add.filter((one) => !remove.some((old) => same(one, old)));
  return kept.length || fresh.length ? { layer, remove: kept, add: fresh } : null;
}

// Make [start, end) part of the layer, joined with what it touches.
export function fill(layer, segments, start, end) {
  const touched = segments.filter(([a, b]) => a <= end && b >= start);
  const low = Math.min(start, ...touched.map((s) => s[0]));
  const high = Math.max(end, ...touched.map((s) => s[1]));
  return high - low < SHORTEST ? null : change(layer, touched, [[ms(low), ms(high)]]);
}

// Take [start, end) out of the layer.
export function clear(layer, segments, start, end) {
  const touched = between(segments, start, end);
  const left = touched.flatMap(([a, b]) => [[a, Math.min(b, start)], [Math.max(a, end), b]]);
  return change(layer, touched, left.map(([a, b]) => [ms(a), ms(b)]).filter(([a, b]) => b - a >= SHORTEST));
}

// Make [start, end) of the layer what `other` has there.
export function take(layer, segments, other, start, end) {
  const touched = segments.filter(([a, b]) => a <= end && b >= start);
  const low = Math.min(start, ...touched.map((s) => s[0]));
  const high = Math.max(end, ...touched.map((s) => s[1]));
  const pieces = [
    ...touched.map(([a, b]) => [a, Math.min(b, start)]),
    ...between(other, start, end).map(([a, b]) => [Math.max(a, start), Math.min(b, end)]),
    ...touched.map(([a, b]) => [Math.max(a, end), b]),
  ].filter(([a, b]) => b > a && a >= low && b <= high);
  const joined = [];
  for (const [a, b] of pieces.sort((x, y) => x[0] - y[0])) {
    const last = joined[joined.length - 1];
    if (last && a <= last[1] + 0.001) last[1] = Math.max(last[1], b);
    else joined.push([a, b]);
  }
  return change(layer, touched, joined.map(([a, b]) => [ms(a), ms(b)]).filter(([a, b]) => b - a >= SHORTEST));
}

// Move an edge (0 the start, 1 the end), not over a neighbour.
export function move(layer, segments, segment, edge, time) {
  const [low, high] = room(segments, segment, edge, Infinity);
  const moved = [...segment];
  moved[edge] = ms(Math.min(Math.max(time, low), high));
  return change(layer, [segment], [moved]);
}

// Between which times an edge may lie.
export function room(segments, segment, edge, duration) {
  const index = segments.findIndex((one) => same(one, segment));
  if (edge === 0) return [index > 0 ? segments[index - 1][1] : 0, segment[1] - SHORTEST];
  return [segment[0] + SHORTEST, index + 1 < segments.length ? segments[index + 1][0] : duration];
}

export function split(layer, segments, time) {
  const segment = at(segments, time);
  if (!segment || time - segment[0] < SHORTEST || segment[1] - time < SHORTEST) return null;
  const gap = 0.005; // of nothing, so that readers of label files do not join the two again
  return change(layer, [segment], [[segment[0], ms(time - gap)], [ms(time + gap), segment[1]]]);
}

// Join a segment with the next one, and what lies between.
export function merge(layer, segments, segment) {
  const index = segments.findIndex((one) => same(one, segment));
  const next = segments[index + 1];
  return index < 0 || !next ? null : change(layer, [segment, next], [[segment[0], next[1]]]);
}

export function remove(layer, segment) {
  return change(layer, [segment], []);
}

// The change that takes another one back.
export function reverse({ layer, remove: gone, add }) {
  return { layer, remove: add, add: gone };
}

// The segments after a change.
export function apply(segments, { remove: gone, add }) {
  const kept = segments.filter((segment) => !gone.some((old) => same(old, segment)));
  return [...kept, ...add].sort((a, b) => a[0] - b[0]);
}

// Where two lists differ: {kind: "miss" | "alarm", start, end}, `truth` being right.
export function differences(truth, found) {
  const edges = [];
  for (const [start, end] of truth) edges.push([start, 1, 0], [end, -1, 0]);
  for (const [start, end] of found) edges.push([start, 0, 1], [end, 0, -1]);
  edges.sort((a, b) => a[0] - b[0]);
  const list = [];
  let [right, said, begun] = [0, 0, 0];
  for (const [time, a, b] of edges) {
    if (right !== said && time > begun) {
      const kind = right ? "miss" : "alarm";
      const last = list[list.length - 1];
      if (last && last.kind === kind && last.end === begun) last.end = time;
      else list.push({ kind, start: begun, end: time });
    }
    right += a;
    said += b;
    begun = time;
  }
  return list;
}
