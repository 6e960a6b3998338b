// @ts-check
/** The looks of what is not on every page: who imports this waits until they are there; without them it is plain, and works. */
import { sheet } from "./sheet.js";

await sheet("parts").catch(() => {});
