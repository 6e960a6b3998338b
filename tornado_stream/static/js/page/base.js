// @ts-check
/** The path below which the server is shown, without a slash at its end; empty for `/`. The rule: every address of this server begins with it. */
export const base = globalThis.document?.documentElement?.dataset?.base ?? "";
