// @ts-check
/**
 * What this browser has chosen for its page. The rule: a cookie keeps it, so that the server sends a page that looks
 * right from the beginning (`page/choices.py`); the attributes `data-…` of `<html>` say what holds now.
 */
import { base } from "../page/base.js";

/** @typedef {"theme" | "text" | "enter" | "notify" | "language"} Choice */

const COOKIE = "ts_choices";
const YEAR = 31536000; // seconds

/** What is chosen; empty: nothing, so the page follows the browser. @param {Choice} name */
export const chosen = (name) => read().get(name) ?? "";

/** Choose a value; empty takes the choice back. @param {Choice} name @param {string} value */
export function choose(name, value) {
  const choices = read().set(name, value);
  const kept = [...choices].filter(([, one]) => one).map((pair) => pair.join("."));
  document.cookie = `${COOKIE}=${kept.join(":")}; path=${base}/; max-age=${kept.length ? YEAR : 0}; SameSite=Lax`;
  const { dataset } = document.documentElement;
  if (!value) delete dataset[name];
  else if (name !== "language") dataset[name] = value;
}

/** @returns {Map<string, string>} */
function read() {
  const value = document.cookie.split("; ").find((one) => one.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1) ?? "";
  return new Map(value.split(":").filter(Boolean).map((pair) => /** @type {[string, string]} */ (pair.split("."))));
}
