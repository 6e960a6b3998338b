// @ts-check
/** The style of what a first answer does not need. Loaded with the first code, table, task or picture. */
import { loadStyleSheet } from "../page/style_sheets.js";

void loadStyleSheet("wide").catch(() => {}); // all can be read without it, too
