/** Returns the fields of one line of comma-separated values. A field in quotes may hold commas. */
export function parseLine(line) {
  return line.split(",");
}
