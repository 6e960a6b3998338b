// @ts-check
/** The looks of what is not on every page: who imports this waits until they are there. */
const link = document.createElement("link");
link.rel = "stylesheet";
link.href = new URL("../css/parts.css", import.meta.url).href;
await new Promise((done) => {
  link.onload = link.onerror = done; // without them it is plain, and works
  document.head.append(link);
});
