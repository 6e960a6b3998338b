// @ts-check
/** Puts the page together. Nothing else happens here. */
import { Announcer } from "./announcer.js";
import { Api } from "./api.js";
import { armCopyButtons } from "./clipboard.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { byId } from "./dom.js";
import { Models } from "./models.js";
import { ModelsView } from "./models_view.js";
import { Follower } from "./scroll.js";
import { Transcript } from "./transcript.js";
import { Wake } from "./wake.js";
import { words } from "./words.js";

const api = new Api();
const wake = new Wake().follow(window);
const conversation = new Conversation(api, wake);
const models = new Models(api, wake);

const announcer = new Announcer(byId("announcer"), conversation);
const follower = new Follower(byId("scroller"), byId("column"), byId("to-end"));
const composer = new Composer(
  { form: byId("composer"), text: byId("question"), send: byId("send"), stop: byId("stop") },
  conversation,
  () => follower.follow(),
);

/** What the buttons below an answer do. @type {Record<import("./outcome.js").ActionName, () => void>} */
const actions = {
  retry: () => conversation.retry(),
  shorter: () => conversation.retryShorter(),
  fresh: () => startAnew(conversation.newest?.parent.text),
};
new Transcript(byId("transcript"), conversation, (name) => {
  actions[name]();
  composer.focus();
});
new ModelsView(models);

/** @param {string} [text] a question to take along */
function startAnew(text) {
  conversation.clear();
  follower.rest();
  if (text) composer.fill(text);
  composer.focus();
  announcer.say(words.say.fresh);
}
byId("new-conversation").addEventListener("click", () => startAnew());

const welcome = byId("welcome");
conversation.addEventListener("path", () => (welcome.hidden = conversation.newest !== null));

const starters = /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-starter]"));
const starterTexts = Array.from(starters, (starter) => starter.textContent ?? "");
starters.forEach((starter, index) => starter.addEventListener("click", () => composer.offer(starterTexts[index], starterTexts)));

armCopyButtons(document, (text) => announcer.say(text));
void models.watch();
conversation.addEventListener("answer", (event) => {
  const { answer, what } = /** @type {CustomEvent<import("./conversation.js").AnswerDetail>} */ (event).detail;
  const loading = what === "notice" && answer.waiting?.code === "model_loading";
  if (loading || answer.end?.error?.code === "local_model_failed") void models.watch();
});
