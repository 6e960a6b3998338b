// @ts-check
/** The looks of what is not on every page: who imports this waits until they are there; without them it is plain, and works. */
import { sheet } from "../page/style_sheets.js";

await sheet("parts").catch(() => {});
