// @ts-check
/** Puts the page together. Nothing else happens here. */
import { Announcer } from "./announcer.js";
import { Api } from "./api.js";
import { armCopyButtons } from "./clipboard.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { Conversations } from "./conversations.js";
import { byId } from "./dom.js";
import { Drafts } from "./drafts.js";
import { tabId } from "./ids.js";
import { ListView } from "./list_view.js";
import { Locks } from "./locks.js";
import { Models } from "./models.js";
import { ModelsView } from "./models_view.js";
import { Navigation } from "./navigation.js";
import { Outbox } from "./outbox.js";
import { PlaceView } from "./place_view.js";
import { Follower } from "./scroll.js";
import { Side } from "./side.js";
import { Storage } from "./storage.js";
import { Sync } from "./sync.js";
import { Tabs } from "./tabs.js";
import { Transcript } from "./transcript.js";
import { Turns } from "./turns.js";
import { Wake } from "./wake.js";
import { t } from "./words.js";

const api = new Api();
const wake = new Wake().follow(window);
const storage = new Storage(() => localStorage);
const locks = new Locks(navigator.locks);
const outbox = new Outbox(storage, locks, tabId(new Storage(() => sessionStorage)));
const conversation = new Conversation(api, wake, outbox, locks);
const turns = new Turns(conversation);
const models = new Models(api, wake);
const tabs = new Tabs();
const conversations = new Conversations(api, wake, tabs);
new Sync(conversation, conversations, tabs);

const announcer = new Announcer(byId("announcer"), conversation, wake);
const follower = new Follower(byId("scroller"), byId("column"), byId("to-end"));
const composer = new Composer(
  { form: byId("composer"), text: byId("question"), send: byId("send"), stop: byId("stop") },
  conversation,
  turns,
  () => follower.follow(),
);
const drafts = new Drafts(storage, conversation, composer);
addEventListener("beforeunload", () => outbox.leave());
addEventListener("pagehide", () => drafts.flush());
wake.addEventListener("wake", () => wake.hidden && drafts.flush());

/** What the buttons below an answer do. @type {Record<import("./outcome.js").ActionName, () => void>} */
const actions = {
  retry: () => turns.retry(),
  goOn: () => turns.goOn(),
  shorter: () => turns.retryShorter(),
  fresh: () => startAnew(conversation.newest?.parent.text),
};
new Transcript(byId("transcript"), conversation, turns, (name) => {
  actions[name]();
  composer.focus();
});
new ModelsView(models);
new PlaceView(conversation, () => startAnew());

const side = new Side(storage);
const say = (/** @type {string} */ text) => announcer.say(text);
new ListView(conversations, conversation, {
  open: (id) => (id ? openOne(id) : startAnew()),
  removed: (id) => drafts.forget(id),
  say,
});

/** @param {string} [text] a question to take along */
function startAnew(text) {
  conversation.clear();
  side.close();
  if (text) composer.fill(text);
  composer.focus();
  announcer.say(t("say.fresh"));
}
byId("new-conversation").addEventListener("click", () => startAnew());

/** @param {string} id */
function openOne(id) {
  side.close();
  if (matchMedia("(pointer: fine)").matches) composer.focus(); // elsewhere that opens a keyboard
  void conversation.open(id);
}

const welcome = byId("welcome");
conversation.addEventListener("path", () => (welcome.hidden = conversation.newest !== null || conversation.id !== null));
conversation.addEventListener("place", (event) => {
  if (/** @type {CustomEvent} */ (event).detail.adopted) return;
  if (conversation.id) follower.follow();
  else follower.rest();
});

const starters = /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-starter]"));
const starterTexts = Array.from(starters, (starter) => starter.textContent ?? "");
starters.forEach((starter, index) => starter.addEventListener("click", () => composer.offer(starterTexts[index], starterTexts)));

armCopyButtons(document, say);
void models.watch();
void conversations.watch();
conversation.addEventListener("answer", (event) => {
  const { answer, what } = /** @type {CustomEvent<import("./conversation.js").AnswerDetail>} */ (event).detail;
  const loading = what === "notice" && answer.waiting?.code === "model_loading";
  if (loading || answer.end?.error?.code === "local_model_failed") void models.watch();
});

void new Navigation(conversation, window).open().then(() => turns.takeUp((id, text) => drafts.add(id, text)));
