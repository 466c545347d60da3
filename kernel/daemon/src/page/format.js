// Figures as people read them, the same way everywhere.

/** Money in dollars; what is less than ten cents has more places. */
export function money(usd, isLimit = false) {
  const places = usd > 0 && usd < 0.1 ? 4 : 2;
  return `${isLimit ? '≤ ' : ''}$${usd.toFixed(places)}`;
}

const steps = [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']];

/** A number in three figures. */
export function short(number) {
  const step = steps.find(([size]) => Math.abs(number) >= size);
  if (!step) return String(number);
  const value = number / step[0];
  return `${value.toFixed(Math.abs(value) < 10 ? 1 : 0)}${step[1]}`;
}

/** A number of bytes. */
export function bytes(number) {
  if (number < 1024) return `${number} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let [value, unit] = [number / 1024, 0];
  while (value >= 1024 && unit + 1 < units.length) [value, unit] = [value / 1024, unit + 1];
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

/** A time that something took. */
export function duration(ms) {
  if (ms < 1000) return `${ms} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  return hours ? `${hours} h ${minutes} min` : `${minutes} min ${Math.floor(seconds % 60)} s`;
}

/** A day and a time, in the reader's zone. */
export function instant(ms) {
  return new Date(ms).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}

/** A time of a day. */
export function clock(ms) {
  return new Date(ms).toLocaleTimeString();
}

/** A share of one, as per cent. */
export function share(value) {
  return `${(value * 100).toFixed(value > 0 && value < 0.1 ? 1 : 0)} %`;
}

/** A number with its noun. */
export function count(number, noun, nouns = `${noun}s`) {
  return `${number} ${number === 1 ? noun : nouns}`;
}

/** The first line of a text, cut to a length. */
export function line(text, most = 160) {
  const first = String(text ?? '').trim().split('\n', 1)[0];
  return first.length > most ? `${first.slice(0, most - 1)}…` : first;
}
