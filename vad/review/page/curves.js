// The waveform and the scores: both are bins of a low and a high value.

const DENSE = 3; // level from which on bins are drawn as bars: outlines of so many spikes would be slow

// Draw the band between low and high over the visible bins; `low` and `high` give heights of bytes.
function drawBand(context, tiles, view, low, high) {
  const level = tiles.level(view.scale);
  tiles.visit(level, view.start, view.end, (tile, start, seconds, first = 0, count = tile.bins) => {
    const width = (seconds / count) * view.scale;
    const left = (start - view.start) * view.scale;
    const from = Math.max(0, Math.floor(-left / width) - 1);
    const to = Math.min(count, Math.ceil((view.width - left) / width) + 1);
    if (to > from) (level < DENSE ? outline : bars)(context, tile.data, first, from, to, left, width, low, high);
  });
}

function outline(context, data, first, from, to, left, width, low, high) {
  context.beginPath();
  for (let bin = from; bin < to; bin++) context.lineTo(left + (bin + 0.5) * width, high(data[2 * (first + bin) + 1]));
  for (let bin = to - 1; bin >= from; bin--) context.lineTo(left + (bin + 0.5) * width, low(data[2 * (first + bin)]));
  context.closePath();
  context.fill();
  context.stroke();
}

function bars(context, data, first, from, to, left, width, low, high) {
  for (let bin = from; bin < to; bin++) {
    const x = Math.round(left + bin * width);
    const top = Math.round(high(data[2 * (first + bin) + 1]));
    const bottom = Math.round(low(data[2 * (first + bin)]));
    context.fillRect(x, top, Math.max(Math.round(left + (bin + 1) * width) - x, 1), Math.max(bottom - top, 1));
  }
}

// `faint` draws the root of the amplitude, so that faint sound can be seen beside loud.
export function drawWaveform(context, tiles, view, box, colour, { loudest, faint }) {
  const middle = box.top + box.height / 2;
  const power = faint ? 1 : 2; // of bytes, which are the root of the amplitude
  const height = (value) => (((value / 255) ** power / loudest ** (power / 2)) * (box.height - 4)) / 2;
  context.fillStyle = context.strokeStyle = colour;
  context.lineWidth = 1;
  context.save();
  context.beginPath();
  context.rect(0, box.top, view.width, box.height);
  context.clip();
  drawBand(context, tiles, view, (v) => middle + height(v), (v) => middle - height(v));
  context.restore();
}

export function drawScores(context, tiles, view, box, colours, onset, offset) {
  const y = (score) => box.top + 2 + (1 - score) * (box.height - 4);
  for (const [score, name] of [[onset, "onset"], [offset, "offset"]]) {
    context.strokeStyle = colours.line;
    context.setLineDash(name === "onset" ? [6, 4] : [2, 4]);
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(0, Math.round(y(score)) + 0.5);
    context.lineTo(view.width, Math.round(y(score)) + 0.5);
    context.stroke();
    context.setLineDash([]);
    context.fillStyle = colours.muted;
    context.fillText(`${name} ${score.toFixed(2)}`, 6, name === "onset" ? y(score) - 3 : y(score) + 11);
  }
  context.fillStyle = context.strokeStyle = colours.score;
  context.lineWidth = 1.2;
  context.globalAlpha = tiles.level(view.scale) < DENSE ? 1 : 0.5;
  drawBand(context, tiles, view, (v) => y(1 - v / 255), (v) => y(v / 255));
  context.globalAlpha = 1;
}
