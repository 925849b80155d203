// The waveform and the scores: both are bins of a low and a high value.

// Trace a band between low and high over the visible bins; `low` and `high` give heights of bytes.
function trace(context, tiles, view, low, high) {
  const level = tiles.level(view.scale);
  tiles.visit(level, view.start, view.end, (tile, start, seconds, first = 0, count = tile.bins) => {
    const width = (seconds / count) * view.scale;
    const left = (start - view.start) * view.scale;
    const from = Math.max(0, Math.floor(-left / width) - 1);
    const to = Math.min(count, Math.ceil((view.width - left) / width) + 1);
    if (to <= from) return;
    context.beginPath();
    for (let bin = from; bin < to; bin++) context.lineTo(left + (bin + 0.5) * width, high(tile.data[2 * (first + bin) + 1]));
    for (let bin = to - 1; bin >= from; bin--) context.lineTo(left + (bin + 0.5) * width, low(tile.data[2 * (first + bin)]));
    context.closePath();
    context.fill();
    context.stroke();
  });
}

export function drawWaveform(context, tiles, view, box, colour, loudest) {
  const middle = box.top + box.height / 2;
  const height = (value) => (((value / 255) ** 2 / loudest) * (box.height - 4)) / 2;
  context.fillStyle = context.strokeStyle = colour;
  context.lineWidth = 1;
  context.save();
  context.beginPath();
  context.rect(0, box.top, view.width, box.height);
  context.clip();
  trace(context, tiles, view, (v) => middle + height(v), (v) => middle - height(v));
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
  trace(context, tiles, view, (v) => y(1 - v / 255), (v) => y(v / 255));
}
