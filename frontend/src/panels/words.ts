/** Numbers as people read them. */

const MINUS = "\u2212";
const NARROW_SPACE = "\u202f";

/** A fraction as a percentage, such as `71.20 %`. */
export function percent(fraction: number, digits = 2): string {
  return `${signed(100 * fraction, digits)}${NARROW_SPACE}%`;
}

/** The difference of two fractions in percentage points, such as `+1.35`. */
export function points(difference: number): string {
  const text = signed(100 * difference, 2);
  return difference > 0 && Number(text) !== 0 ? `+${text}` : text;
}

/** A whole number with its thousands apart, such as `22,915`. */
export function whole(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ","); // where a locale is, a page waits for it
}

/** A number to three digits that count, such as `0.0123`, `58.1` or `1.2e−5`. */
export function number(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) {
    return value.toExponential(1).replaceAll("-", MINUS).replace("e+", "e");
  }
  return signed(value, size === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(size))));
}

/** A round number without the zeros that say nothing, such as `0.5`. */
export function round(value: number): string {
  return number(value).replace(/\.0+(?=e|$)|(\.\d*?)0+(?=e|$)/, "$1");
}

/** A time in its two largest units, such as `3 min 56 s`. */
export function duration(seconds: number): string {
  const rounded = Math.round(seconds);
  const [hours, minutes] = [Math.floor(rounded / 3600), Math.floor(rounded / 60) % 60];
  if (hours > 0) return `${whole(hours)} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${rounded % 60} s` : `${rounded} s`;
}

/** A value of a setting as it would be typed. */
export function setting(value: unknown): string {
  if (value === undefined || value === null || value === "") return "\u2013";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** `value` with a real minus, and none before a zero. */
function signed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", MINUS);
}
