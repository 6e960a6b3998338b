// @ts-check
/** The page of a shared link. The server has written all that can be read; with scripts, answers are shown as Markdown, and a live link goes on. */
import { withWords } from "./page/words.js";

const { shared = "", live } = document.body.dataset;
const { SharedView } = await withWords(import("./transcript/shared_view.js"));
void new SharedView(shared, live !== undefined).run();
