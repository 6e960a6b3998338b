// @ts-check
/** The login page. A user who has a session passes it at once: the browser follows a link on another site without the session's cookie, and so arrives here. */
import { Api } from "./page/api.js";
import { base } from "./page/base.js";
import { byId, whenNeeded } from "./page/dom.js";
import * as login from "./page/login_api.js";
import { t, withWords } from "./page/words.js";

const api = new Api();
const form = byId("login");
const password = byId("login-password");
const notice = byId("login-notice");
const button = byId("login-enter");
const texts = whenNeeded(() => withWords(import("./page/login_texts.js")));
void texts(); // at once, because they must be here when the server cannot be reached
const others = new BroadcastChannel(`tornado-stream${base}:login`);

/** The password of the last try. */
let tried = "";
/** While a try runs: whether the user has made another. */
let again = false;

/** Load this address again. With a session, the server answers with the page that was asked for. */
const enter = () => location.replace(location.pathname + location.search);

/** Show why the login failed. @param {string} text */
function refuse(text) {
  notice.textContent = text;
  password.setAttribute("aria-invalid", "true");
  password.focus();
  if (password.value === tried) password.select(); // what was typed meanwhile is kept
}

/** Disable the button and count down on it. @param {number} left in seconds @param {(left: number) => string} [labelOf] its label; absent: it stays as it is */
function wait(left, labelOf) {
  button.disabled = left > 0;
  if (labelOf) button.textContent = labelOf(left);
  if (left > 0) setTimeout(() => wait(left - 1, labelOf), 1000);
}

let running = false;

async function logIn() {
  if (running) return void (again = true);
  running = true;
  tried = password.value;
  const response = await login.logIn(api, Object.fromEntries(new FormData(form))).catch(() => null);
  running = false;
  if (response?.ok) {
    others.postMessage("");
    return enter();
  }
  if (again && response?.status !== 429) {
    again = false;
    return logIn();
  }
  again = false;
  const loaded = await texts();
  if (response?.status === 429) wait(Number(response.headers.get("Retry-After")) || 1, loaded?.submitLabel);
  refuse((await loaded?.whyRefused(response, !!form.elements.namedItem("name"))) ?? t("list.noServer"));
}

form.addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  if (!button.disabled) void logIn();
});
others.addEventListener("message", enter);
// If the user came from this site or typed the address, the browser has sent its cookie, so it has no session.
if (!["same-origin", "none"].includes(form.dataset.arrived)) void login.isLoggedIn(api).then((loggedIn) => loggedIn && enter(), () => {});
