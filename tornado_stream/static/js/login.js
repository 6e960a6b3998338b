// @ts-check
/** The login page. A user who has a session passes it at once: the browser follows a link on another site without the session's cookie, and so arrives here. */
import { Api, refusal } from "./page/api.js";
import { base } from "./page/base.js";
import { byId } from "./page/dom.js";
import * as login from "./page/login_api.js";
import { seconds, t, withWords } from "./page/words.js";

const api = new Api();
const form = byId("login");
const password = byId("login-password");
const notice = byId("login-notice");
const button = byId("login-enter");
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

/** Disable the button and count down on it. @param {number} left in seconds */
function wait(left) {
  button.disabled = left > 0;
  button.textContent = left > 0 ? t("login.enterIn", { seconds: seconds(1000 * left) }) : t("login.enter");
  if (left > 0) setTimeout(() => wait(left - 1), 1000);
}

/** Why the server did not take a login. @param {Response} response */
async function reasonOf(response) {
  const { code, message } = await refusal(response);
  const errors = await withWords(import("./page/errors.js")).catch(() => null);
  return `${t("login.failed", { status: String(response.status) })} ${errors?.errorText(code, message) ?? message}`;
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
  if (!response) return refuse(t("login.unreachable"));
  if (response.status === 401) return refuse(t(form.elements.namedItem("name") ? "login.wrongEither" : "login.wrong"));
  if (response.status !== 429) return refuse(await reasonOf(response));
  refuse(t("login.tooMany"));
  wait(Number(response.headers.get("Retry-After")) || 1);
}

form.addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  if (!button.disabled) void logIn();
});
others.addEventListener("message", enter);
// If the user came from this site or typed the address, the browser has sent its cookie, so it has no session.
if (!["same-origin", "none"].includes(form.dataset.arrived)) void login.isLoggedIn(api).then((loggedIn) => loggedIn && enter(), () => {});
