// @ts-check
/**
 * Colours code with highlight.js. Each language is loaded when it is first needed. The rule: highlight.js's HTML goes
 * through DOMPurify, like all other HTML.
 */
import core from "../../vendor/highlight-11.12.0/core.min.js";
import { nodesOf } from "./sanitize.js";

/** Other names of the languages. */
const ALIASES = /** @type {Record<string, string>} */ ({
  asm: "wasm", "c#": "csharp", "c++": "cpp", cc: "cpp", clj: "clojure", console: "shell", cs: "csharp", docker: "dockerfile",
  ex: "elixir", erl: "erlang", golang: "go", gql: "graphql", h: "c", hpp: "cpp", hs: "haskell", html: "xml", https: "http",
  jl: "julia", js: "javascript", json5: "json", jsonc: "json", jsx: "javascript", kt: "kotlin", make: "makefile", md: "markdown",
  mjs: "javascript", mk: "makefile", ml: "ocaml", "objective-c": "objectivec", objc: "objectivec", patch: "diff", pl: "perl",
  plist: "xml", postgres: "sql", postgresql: "sql", proto: "protobuf", ps1: "powershell", py: "python", python3: "python",
  rb: "ruby", rs: "rust", sh: "bash", shellsession: "shell", svg: "xml", tex: "latex", toml: "ini", ts: "typescript",
  tsx: "typescript", vb: "vbnet", vue: "xml", xhtml: "xml", yml: "yaml", zsh: "bash",
});
const KNOWN = new Set(
  ("bash c cmake cpp csharp css dart diff dockerfile elixir erlang go graphql haskell http ini java javascript json julia kotlin " +
    "latex less lua makefile markdown matlab nginx nix objectivec ocaml perl php powershell protobuf python r ruby rust scala scss " +
    "shell sql swift typescript vbnet vim wasm xml yaml").split(" "),
);
const WITHIN = /** @type {Record<string, string[]>} */ ({ xml: ["css", "javascript"], php: ["xml"], markdown: ["xml"], shell: ["bash"], dockerfile: ["bash"] });

/** @param {string} name @returns {Promise<void>} */
async function fetchLanguage(name) {
  if (core.getLanguage(name)) return;
  const { default: grammar } = await import(`../../vendor/highlight-11.12.0/languages/${name}.min.js`);
  if (!core.getLanguage(name)) core.registerLanguage(name, grammar);
  for (const other of WITHIN[name] ?? []) await fetchLanguage(other);
}

/** Load a language. Resolves to the function that colours the code. @param {HTMLElement} code @param {string} called the language's name, in lower case */
export async function highlighter(code, called) {
  const language = Object.hasOwn(ALIASES, called) ? ALIASES[called] : called;
  if (KNOWN.has(language)) await fetchLanguage(language);
  return () => void (core.getLanguage(language) && highlight(code, language));
}

/** @param {HTMLElement} code @param {string} language */
function highlight(code, language) {
  const text = code.textContent ?? "";
  const nodes = nodesOf(core.highlight(text, { language, ignoreIllegals: true }).value);
  if (nodes.textContent === text) code.replaceChildren(nodes);
}
