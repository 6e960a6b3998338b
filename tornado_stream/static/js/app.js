// @ts-check
/** Creates the parts of the page and connects them. The rule: what a part does is written in its own module, not here. */
import { Outbox } from "./answers/outbox.js";
import { Composer } from "./composer/composer.js";
import { ComposerBar } from "./composer/composer_bar.js";
import { Drafts } from "./composer/drafts.js";
import { Models } from "./composer/models.js";
import { ModelsView } from "./composer/models_view.js";
import { Preferences } from "./composer/preferences.js";
import { Branches } from "./conversation/branches.js";
import { Commands } from "./conversation/commands.js";
import { Conversation } from "./conversation/conversation.js";
import { Instructions } from "./conversation/instructions.js";
import { Navigation } from "./conversation/navigation.js";
import { Conversations } from "./list/conversations.js";
import { Heading } from "./list/heading.js";
import { ListView } from "./list/list_view.js";
import { Sidebar } from "./list/sidebar.js";
import { Sync } from "./list/sync.js";
import { Unread } from "./list/unread.js";
import { forgetOtherUsers } from "./page/account.js";
import { Api } from "./page/api.js";
import { base } from "./page/base.js";
import { armCopyButtons, copyText } from "./page/clipboard.js";
import { byId, hasFinePointer, whenNeeded } from "./page/dom.js";
import { tabId } from "./page/ids.js";
import { PageLifecycle } from "./page/lifecycle.js";
import { Locks } from "./page/locks.js";
import { Shortcuts } from "./page/shortcuts.js";
import { Storage } from "./page/storage.js";
import { Tabs } from "./page/tabs.js";
import { t, withWords } from "./page/words.js";
import { Announcer } from "./transcript/announcer.js";
import { AutoScroll } from "./transcript/auto_scroll.js";
import { ConversationStateView } from "./transcript/conversation_state_view.js";
import { Transcript } from "./transcript/transcript.js";

const api = new Api();
const lifecycle = new PageLifecycle().follow(window);
const storage = new Storage(() => localStorage);
const locks = new Locks(navigator.locks);
const tabStorage = new Storage(() => sessionStorage);
forgetOtherUsers([storage, tabStorage], document.body.dataset.user ?? "");
const outbox = new Outbox(storage, locks, tabId(tabStorage));
const conversation = new Conversation(api, lifecycle, outbox, locks, new Branches(tabStorage));
const models = new Models(api, lifecycle);
const preferences = new Preferences(storage, models).follow(window);
const { defaults, tools } = document.body.dataset;
if (defaults) preferences.setDefaults(JSON.parse(defaults)); // of the user who has logged in
if (tools) {
  const loaded = await withWords(import("./composer/tool_choice.js")).catch(() => null); // before a question can be sent
  if (loaded) preferences.toolChoice = new loaded.ToolChoice(tools.split(" "), byId("composer"), conversation, preferences, storage);
}
const commands = new Commands(conversation, preferences);
const tabs = new Tabs();
const conversations = new Conversations(api, lifecycle, tabs);
new Sync(conversation, conversations, tabs);

const announcer = new Announcer(byId("announcer"), conversation, lifecycle);
const autoScroll = new AutoScroll(byId("scroller"), byId("column"), byId("to-end"));
const question = byId("question");
const composer = new Composer(
  { form: byId("composer"), text: question, send: byId("send"), stop: byId("stop"), notice: byId("composer-notice"), pasted: byId("pasted") },
  conversation,
  commands,
  { sent: () => autoScroll.follow(), wait: letWait, editLast: () => transcript.editLast(), attachments },
);

/** The part that has the files of the next question. */
function attachments() {
  return withWords(import("./composer/attachments.js")).then(({ Attachments }) => {
    const { most, largest } = byId("attach-files").dataset;
    return (composer.attached ??= new Attachments(byId("attached"), { most: Number(most), largest: Number(largest) }, api, storage, conversation, preferences, { say, focus: () => composer.focus(), changed: () => composer.update() }));
  }, () => null);
}
for (const [button, input] of [["attach", "attach-files"], ["camera", "camera-files"]]) {
  byId(button).addEventListener("click", () => byId(input).click());
  byId(input).addEventListener("change", () => {
    void composer.attach(byId(input).files);
    byId(input).value = ""; // so that the same file can be chosen again
  });
}
for (const type of /** @type {const} */ (["dragover", "drop"])) {
  addEventListener(type, (event) => {
    if (event.defaultPrevented || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault(); // else the browser opens the file in the place of the page
    if (type === "drop" && !document.querySelector("dialog[open]")) void composer.attach(event.dataTransfer.files);
  });
}
/** Show the files of a draft. */
const showDraftFiles = () => storage.get(`tornado-stream:files:${conversation.id ?? ""}`) && void attachments();
conversation.addEventListener("switched", showDraftFiles);

/** The question that waits for the end of the answer. */
const waiting = whenNeeded(() => withWords(import("./composer/waiting_question.js")).then((module) => module.waitingQuestion(api, conversation, preferences, composer, announcer)));
conversation.addEventListener("loaded", (event) => {
  const { id, waiting: question } = /** @type {CustomEvent} */ (event).detail;
  if (question) void waiting().then((view) => conversation.id === id && view?.show(question));
});
const drafts = new Drafts(storage, conversation, composer);

/** Let a question wait, in the conversation where it was written. @param {string} text @param {import("./answers/answer.js").AttachedFile[]} files @param {string} id of that conversation */
async function letWait(text, files, id) {
  const waits = (await (await waiting())?.put(text, files, id)) ?? false;
  if (waits && conversation.id !== id) drafts.drop(id, text);
  return waits;
}
addEventListener("beforeunload", () => outbox.leave());
addEventListener("pagehide", () => drafts.flush());
lifecycle.addEventListener("change", () => lifecycle.hidden && drafts.flush());

/** Where the focus goes after a question was sent from a message. */
const questionSent = () => (hasFinePointer() ? composer.focus() : byId("scroller").focus({ preventScroll: true }));
const transcript = new Transcript(byId("transcript"), conversation, commands, {
  questionSent,
  keepPosition: () => autoScroll.leave(),
  say: (text) => announcer.say(text),
  startAnew: (text) => (startAnew(text), questionSent()),
  pickModel: (request) => bar.openModels(request),
});
new ModelsView(models, preferences);
new ConversationStateView(conversation, () => startAnew());

const sidebar = new Sidebar(storage);
const say = (/** @type {string} */ text) => announcer.say(text);
const unread = new Unread(storage, conversations, conversation, lifecycle).follow(window);
const list = new ListView(conversations, conversation, unread, {
  open: (id, found) => (id ? void openOne(id, found) : startAnew()),
  removed: (id) => drafts.forget(id),
  say,
});
new Heading(conversation, list);

const instructions = new Instructions(conversation, preferences);
const bar = new ComposerBar(instructions, models, preferences, {
  chosen: () => hasFinePointer() && composer.focus(),
  about: openSetup,
  compare: () => void comparing().then((part) => (part ? part.pick() : say(t("composer.noPart")))),
  presets: (draft) => void begin("presets", draft),
  say,
});

/** Several models that answer a question beside each other. */
const comparing = whenNeeded(() => withWords(import("./composer/comparing.js")).then(({ Comparing }) => new Comparing({ bar, commands, conversation, preferences, transcript, composer, storage: tabStorage, say })));
conversation.addEventListener("loaded", (event) => /** @type {CustomEvent} */ (event).detail.generation_ids?.[1] && void comparing());
if (tabStorage.keys("tornado-stream:compar").length) void comparing();

/** Presets, prompts and temporary chats: what a new conversation can begin with. @param {import("./composer/beginnings.js").What} what @param {any} [more] */
const begin = (what, more) =>
  bar.open("beginnings", () => withWords(import("./composer/beginnings.js")).then((module) => module.beginnings({ api, tabStorage, conversation, models, preferences, instructions, composer, sidebar, say })), { what, more });
for (const what of /** @type {const} */ (["presets", "temporary"])) byId(what).addEventListener("click", () => void begin(what));
question.addEventListener("input", () => /^[/／]/.test(question.value) && void begin("prompts"));
preferences.keepModel = (model) => void (conversation.id && api.change(conversation.id, { model }).catch(() => {})); // if that fails, this page still names the model in each request
conversation.addEventListener("switched", (event) => (/** @type {CustomEvent} */ (event).detail.adopted ? preferences.settle() : preferences.setOwn()));
conversation.addEventListener("loaded", (event) => preferences.setOwn(/** @type {CustomEvent} */ (event).detail.model));
const shortcuts = new Shortcuts(document, storage, {
  shortcuts: () => bar.openShortcuts(shortcuts),
  search: () => sidebar.search(),
  fresh: () => startAnew(),
  side: () => sidebar.toggle(),
  model: () => bar.openModels(),
  panel: () => bar.openPanel(),
  settings: openSettings,
  copy: () => void copyNewest(),
});
byId("settings").addEventListener("click", openSettings);
byId("welcome-own").addEventListener("click", openSetup);
byId("shortcuts").addEventListener("click", () => bar.openShortcuts(shortcuts));
for (const type of ["pointerover", "focusin"]) {
  document.addEventListener(type, (event) => {
    const button = /** @type {Element} */ (event.target).closest("button[aria-label], [data-shortcut]");
    if (button) void withWords(import("./page/tooltips.js")).then(({ hint }) => hint(/** @type {HTMLElement} */ (button), event), () => {});
  });
}
for (const type of ["resize", "scroll"]) {
  visualViewport?.addEventListener(type, () => void import("./page/viewport.js").then(({ fitToViewport }) => fitToViewport(window), () => {}));
}

function openSettings() {
  void bar.open("settings", () => withWords(import("./settings/settings_dialog.js")).then(({ SettingsDialog }) => new SettingsDialog(api, preferences, storage, () => conversations.refreshSoon())));
}

/** Say how to start the server with another model. */
function openSetup() {
  void bar.open("setup", () => withWords(import("./composer/setup.js")));
}

async function copyNewest() {
  const text = conversation.newest?.content.join("");
  if (text) say((await copyText(text)) ? t("copied") : t("notCopied"));
}

/** @param {string} [text] a question for the question box */
function startAnew(text) {
  conversation.clear();
  sidebar.close(); // after the address has changed, because an open drawer is an entry of the history
  if (text) composer.fill(text);
  composer.focus();
  announcer.say(t("say.fresh"));
}
byId("new-conversation").addEventListener("click", () => startAnew());

/** @param {string} id @param {{message: string, text: string}} [found] the message to scroll to, and the words to mark in it */
async function openOne(id, found) {
  const opening = conversation.open(id);
  sidebar.close();
  if (hasFinePointer()) composer.focus();
  await opening;
  if (found && conversation.id === id) import("./list/search_highlights.js").then(({ showFoundMessage }) => showFoundMessage(found, transcript, autoScroll), () => say(t("composer.noPart")));
}

const welcome = byId("welcome");
const contextBar = whenNeeded(() => withWords(import("./composer/context_bar.js")).then(({ ContextBar }) => new ContextBar(conversation, commands, composer, preferences, instructions, say)));
conversation.addEventListener("path", () => {
  welcome.hidden = conversation.newest !== null || conversation.state !== "ready";
  if (conversation.path.length > 2) void contextBar();
});
conversation.addEventListener("switched", (event) => {
  if (/** @type {CustomEvent} */ (event).detail.adopted) return;
  if (conversation.id) autoScroll.follow();
  else autoScroll.scrollToTop();
});

const starters = /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-starter]"));
const starterTexts = Array.from(starters, (starter) => starter.textContent ?? "");
starters.forEach((starter, index) => starter.addEventListener("click", () => composer.suggest(starterTexts[index], starterTexts)));

document.getElementById("log-out")?.addEventListener("click", () => void import("./page/log_out.js").then(({ logOut }) => logOut(api, [storage, tabStorage], say), () => say(t("composer.noPart"))));
armCopyButtons(document, say);
void models.watch();
void conversations.watch();
conversation.addEventListener("answer", (event) => {
  const { answer, what } = /** @type {CustomEvent<import("./conversation/conversation.js").AnswerDetail>} */ (event).detail;
  const { id } = conversation;
  const loading = what === "notice" && answer.waiting?.code === "model_loading";
  const recovered = what === "end" && models.defaultModel?.state === "failed";
  if (what === "end" && lifecycle.hidden && document.documentElement.dataset.notify) void withWords(import("./page/notification.js")).then(({ notifyEnd }) => notifyEnd(answer, String(id), openOne), () => {});
  const kept = what === "failed" && answer.failure?.code === "budget_reached" && !answer.parent.id && !composer.text.trim();
  if (kept) composer.fill(answer.parent.text);
  if (loading || recovered || answer.end?.error?.code === "local_model_failed") void models.watch();
});

/** The answers that were asked for on this page, by their conversations. */
const asked = new Map();
conversation.addEventListener("news", (event) => {
  const { type, conversation_id: id, generation_id: answer } = /** @type {CustomEvent} */ (event).detail;
  if (type === "started") asked.set(id, answer);
  else asked.delete(id);
});
lifecycle.addEventListener("change", () => {
  if (lifecycle.hidden && asked.size && document.documentElement.dataset.notify) void withWords(import("./list/left_answers.js")).then(({ watchLeftAnswers }) => watchLeftAnswers(asked, conversation, api, lifecycle, openOne), () => {});
});

document.cookie = `ts_scripts=1; path=${base}/; max-age=31536000`; // the page then comes without what is shown where no script runs

void new Navigation(conversation, window).open().then(async () => {
  const model = /** @type {HTMLInputElement | null} */ (document.getElementById("asked-model"))?.value;
  if (model && !conversation.id) preferences.setOwn(model);
  if (location.search) history.replaceState(history.state, "", location.pathname); // so that a reload does not fill the box again
  if (tabStorage.get("tornado-stream:temporary")) void begin("gone");
  await commands.resumeUnsent((id, text) => drafts.add(id, text));
  showDraftFiles();
  if (!composer.isSent) return;
  const draft = drafts.stored;
  composer.sendEarly();
  drafts.putBack(draft);
});
