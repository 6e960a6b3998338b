// @ts-check
/** Shows the files of a message: pictures, and lines for all other files. Loaded with the first message that has some. */
import { aboutFile } from "../answers/file_facts.js";
import { element } from "../page/dom.js";
import { fileAddress } from "../page/files_api.js";
import { loadStyleSheet } from "../page/style_sheets.js";
import { t } from "../page/words.js";

/** @param {import("../answers/answer.js").Question} question @param {HTMLElement} text the element that has its text */
export function showFiles({ files, text: words }, text) {
  text.hidden = !words.trim();
  text.before(fileList(files, t("files.ofQuestion")));
}

/** @param {import("../answers/answer.js").AttachedFile[]} files @param {string} label of the list, for screen readers @param {(id: string) => string} [addressOf] */
export function fileList(files, label, addressOf = fileAddress) {
  void loadStyleSheet("files").catch(() => {}); // the files work without their style, too
  const list = element("ul", "question-files");
  list.ariaLabel = label;
  list.append(...files.map((file) => viewOf(file, addressOf(file.id))));
  return list;
}

/** @param {import("../answers/answer.js").AttachedFile} file @param {string} href */
function viewOf(file, href) {
  const item = element("li", "file");
  const link = Object.assign(element("a", "file-link"), { href, target: "_blank", rel: "noopener" });
  item.append(link);
  const name = file.name || t("files.one");
  if (file.kind === "image") {
    item.classList.add("is-picture");
    const picture = Object.assign(element("img", "sent-picture"), { src: link.href, alt: name, loading: "lazy" });
    link.append(picture);
    return item;
  }
  const label = element("span", "file-name", name);
  label.dir = "auto";
  link.append(label, ...(file.size ? [element("span", "file-about", aboutFile(file))] : []));
  return item;
}
