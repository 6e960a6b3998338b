// @ts-check
/** The user's own login: the sessions, of which each can be ended, and the password. */
import { button, element } from "../page/dom.js";
import { failureText } from "../page/errors.js";
import { changePassword, endOtherSessions, endSession, readSessions } from "../page/settings_api.js";
import { inRow, language, t } from "../page/words.js";
import { row, statusLine } from "./rows.js";

/** @typedef {import("../page/settings_api.js").Session} Session */

export class SessionsRow {
  #list = element("ul", "sessions");
  #others = button(t("settings.endOthers"), () => this.#end(endOtherSessions(this.api)));
  #status = statusLine();

  /** @param {import("../page/api.js").Api} api */
  constructor(api) {
    this.api = api;
    this.#list.tabIndex = -1;
    this.element = row(t("settings.sessions"), "person", t("settings.sessionsHint"), this.#list, this.#others, this.#status);
  }

  /** Show the sessions as they are now. */
  async show() {
    try {
      const sessions = await readSessions(this.api);
      this.#list.replaceChildren(...sessions.map((/** @type {Session} */ one) => this.#line(one)));
      this.#others.hidden = sessions.every((/** @type {Session} */ one) => one.current);
    } catch (error) {
      this.#status.textContent = failureText(error);
    }
  }

  /** @param {Session} session */
  #line(session) {
    const line = element("li", "setting-line");
    const text = element("p", "session");
    const used = session.last_used_at ?? session.created_at;
    const when = used ? new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(used) : "";
    text.append(element("span", "", agentName(session.agent)), element("span", "panel-hint", inRow([session.address, when])));
    line.append(text, session.current ? element("span", "setting-scope", t("settings.thisSession")) : this.#endButton(session, inRow([agentName(session.agent), session.address, when], ", ")));
    return line;
  }

  /** @param {Session} session @param {string} what */
  #endButton({ id }, what) {
    const end = button(t("settings.endSession"), () => this.#end(endSession(this.api, id)), "small");
    end.setAttribute("aria-label", `${t("settings.endSession")}: ${what}`);
    return end;
  }

  /** @param {Promise<any>} ending */
  async #end(ending) {
    try {
      await ending;
      this.#status.textContent = t("settings.sessionEnded");
    } catch (error) {
      this.#status.textContent = failureText(error);
    }
    await this.show();
    /** @type {HTMLElement} */ (this.#list.querySelector("button") ?? this.#list).focus(); // the pressed button is gone
  }
}

/** The browser and the system, as far as the browser says. @param {string} agent */
function agentName(agent) {
  const browser = /Edg|OPR|Firefox|Chrome|Safari/.exec(agent)?.[0] ?? agent.slice(0, 40);
  const system = /Windows|Android|iPhone|iPad|Mac OS X|Linux/.exec(agent)?.[0] ?? "";
  return inRow([{ Edg: "Edge", OPR: "Opera" }[browser] ?? browser, system], ", ") || t("settings.unknownProgram");
}

/** @param {import("../page/api.js").Api} api */
export function passwordRow(api) {
  const form = element("form", "setting-form");
  const status = statusLine();
  const old = password("old-password", "current-password");
  const fresh = password("new-password", "new-password");
  const user = element("input");
  Object.assign(user, { hidden: true, autocomplete: "username", value: document.body.dataset.user === "local" ? "" : (document.querySelector(".side-foot p")?.textContent ?? "") }); // for the browser's own list of passwords
  const save = element("button", "button", t("settings.changePassword"));
  form.append(user, field(old, t("settings.oldPassword")), field(fresh, t("settings.newPassword")), save, status);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    save.disabled = true;
    try {
      await changePassword(api, old.value, fresh.value);
      status.textContent = t("settings.passwordChanged");
      form.reset();
    } catch (error) {
      status.textContent = failureText(error);
    }
    save.disabled = false;
  });
  return row(t("settings.password"), "person", t("settings.passwordHint"), form);
}

/** @param {string} id @param {AutoFill} autocomplete */
function password(id, autocomplete) {
  return Object.assign(element("input", "field"), { id, type: "password", autocomplete, required: true });
}

/** @param {HTMLInputElement} input @param {string} name */
function field(input, name) {
  const made = element("div", "panel-field");
  const label = element("label", "", name);
  label.htmlFor = input.id;
  made.append(label, input);
  return made;
}
