// The log-mel spectrogram: bytes to pictures, and pictures to the canvas.

// Stops of two maps whose lightness rises evenly, so that nobody needs to tell their colours apart.
const MAPS = {
  dark: ["#0b0d12", "#1b1a3a", "#43206b", "#7b2382", "#b5367a", "#e75263", "#fb8861", "#fec488", "#fcfdbf"],
  light: ["#ffffff", "#eef2f7", "#d3deea", "#a9c0d6", "#7b9dbd", "#52789f", "#33547c", "#1e3558", "#0e1c36"],
};

export function palette(scheme) {
  const stops = MAPS[scheme].map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  const colours = new Uint32Array(256);
  for (let value = 0; value < 256; value++) {
    const place = (value / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(place), stops.length - 2);
    const [r, g, b] = stops[low].map((c, i) => Math.round(c + (stops[low + 1][i] - c) * (place - low)));
    colours[value] = (255 << 24) | (b << 16) | (g << 8) | r;
  }
  return colours;
}

// Which bytes are the darkest and the brightest colour, by a piece of a recording: its noise shall not glare.
export function contrast(data) {
  const sorted = Uint8Array.from(data).sort();
  const low = Math.min(sorted[Math.floor(sorted.length * 0.1)] ?? 0, 140);
  const high = sorted[Math.floor(sorted.length * 0.998)] ?? 255;
  return [low, Math.min(Math.max(high, low + 90, 190), 255)];
}

// The colour of each byte, where `low` is the darkest and `high` the brightest.
export function stretched(colours, [low, high]) {
  const place = (value) => Math.round((255 * Math.min(Math.max(value - low, 0), high - low)) / (high - low));
  return Uint32Array.from(colours, (_, value) => colours[place(value)]);
}

// A canvas, a column per bin, of bytes (bin, band): low bands at the bottom.
export function picture(data, bands, colours) {
  const bins = data.length / bands;
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(bins, 1);
  canvas.height = bands;
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, bands);
  const pixels = new Uint32Array(image.data.buffer);
  for (let bin = 0, at = 0; bin < bins; bin++) {
    for (let band = bands - 1; band >= 0; band--) pixels[band * canvas.width + bin] = colours[data[at + bands - 1 - band]];
    at += bands;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

export function drawSpectrogram(context, tiles, view, box) {
  context.imageSmoothingEnabled = true;
  tiles.visit(tiles.level(view.scale), view.start, view.end, (tile, start, seconds, first = 0, count = tile.bins) => {
    const left = (start - view.start) * view.scale;
    context.drawImage(tile.drawn, first, 0, count, tile.drawn.height, left, box.top, seconds * view.scale, box.height);
  });
}
