// Calls as in asked.py.

export const call = (name, run, kind = "settled") => ({ name, run, kind });

// One call for each name, with its arguments.
export const calls = (run, asked, kind = "settled") =>
  Object.entries(asked).map(([name, given]) => call(name, () => run(...given), kind));

export const ms = (text) => Date.parse(`${text}Z`);
export const ago = (day, days) => Date.parse(day) - days * 86_400_000;

export function without(answer, ...names) {
  return Object.fromEntries(Object.entries(answer).filter(([name]) => !names.includes(name)));
}
