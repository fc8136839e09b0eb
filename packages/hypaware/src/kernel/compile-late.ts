import { setFlagsFromString } from "node:v8";
import { LIMITS } from "../contract/limits.ts";

/**
 * For a process that lives long and does a little again and again. V8 compiles a function with its last and dearest compiler when it was
 * called 3,000 times. What runs once an exchange comes to that in a day or two, and the compiling takes longer than it ever gives back; what
 * runs for each event or message does so in minutes. Measured over 4,500 exchanges: 8 % of the recorder. Not for the gateway, where an
 * exchange waits for each of these functions.
 */
export function compileLate(): void {
  setFlagsFromString(`--invocation-count-for-turbofan=${LIMITS.callsBeforeCompiling}`);
}
