// @ts-check
/** What the login page says. Loaded at once, because it must be there when the server cannot be reached. */
import { refusal } from "./api.js";
import { errorText } from "./errors.js";
import { seconds, t } from "./words.js";

/** Why the server did not take a login. @param {Response | null} response null: it could not be reached @param {boolean} named whether users have names */
export async function whyRefused(response, named) {
  if (!response) return t("login.unreachable");
  if (response.status === 401) return t(named ? "login.wrongEither" : "login.wrong");
  if (response.status === 429) return t("login.tooMany");
  const { code, message } = await refusal(response);
  return `${t("login.failed", { status: String(response.status) })} ${errorText(code, message)}`;
}

/** The label of the button. @param {number} left seconds until it can be pressed */
export const submitLabel = (left) => (left > 0 ? t("login.enterIn", { seconds: seconds(1000 * left) }) : t("login.enter"));
