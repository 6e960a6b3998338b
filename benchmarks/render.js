// Streams one answer into the page in two ways and says what each cost the main thread.
async ({ pieces, tokensPerSecond, warm, sample }) => {
  const { href } = document.querySelector("link[href$='markdown/markdown_view.js']");
  const from = (name) => import(href.replace("markdown_view", name));
  const [{ MarkdownView, renderWhole }, { idle }] = [await from("markdown_view"), await from("work")];
  const [{ nodesOf }, { lex }, { htmlOf, shapeOf }] = [await from("nodes"), await from("grammar"), await from("html")];
  const FRAME = 1000 / 60;
  const scroller = document.querySelector("#scroller");
  const transcript = document.querySelector("#transcript");
  document.querySelector("#welcome").hidden = true;

  function box() {
    const element = document.createElement("div");
    element.className = "markdown content";
    transcript.append(element);
    return element;
  }

  /** One frame: what the page does, and the style and layout that scrolling to the end asks for. */
  function timed(act) {
    const began = performance.now();
    act();
    scroller.scrollTop = scroller.scrollHeight;
    return performance.now() - began;
  }

  const arrived = (now) => Math.min(pieces.length, Math.floor((now / 1000) * tokensPerSecond));
  const bins = () => new Array(Math.ceil(pieces.length / 1000)).fill(0);

  async function ours() {
    const view = new MarkdownView(box());
    const list = [];
    const [tasks, perThousand] = [[], bins()];
    let frames = 0;
    for (let now = 0; list.length < pieces.length; frames++) {
      const before = list.length;
      list.push(...pieces.slice(before, arrived((now += FRAME))));
      if (list.length === before) continue;
      const cost = timed(() => view.show(list));
      window.slices.length = 0;
      await idle(); // colours and formulas, in tasks of their own
      const work = [...window.slices];
      const after = work.length ? timed(() => {}) : 0;
      tasks.push(cost, ...work, ...(after ? [after] : []));
      perThousand[Math.floor(before / 1000)] += cost + after + work.reduce((sum, ms) => sum + ms, 0);
      now += Math.max(0, cost + after - FRAME);
    }
    const end = timed(() => view.finish());
    window.slices.length = 0;
    await idle();
    tasks.push(end, ...window.slices);
    perThousand[perThousand.length - 1] += end + window.slices.reduce((sum, ms) => sum + ms, 0);
    return { tasks, perThousand, frames, element: view.element };
  }

  async function whole() {
    const element = box();
    const [tasks, perThousand] = [[], bins()];
    let [frames, cost, shown, text, now] = [0, 0, 0, "", 0];
    while (shown < pieces.length) {
      now += Math.max(FRAME, cost); // frames that a slow one blocks do not happen
      const count = arrived(now);
      if (count === shown) continue;
      text += pieces.slice(shown, count).join("");
      const from = shown;
      shown = count;
      if (frames++ % sample === 0) {
        cost = timed(() => element.replaceChildren(nodesOf(lex(text, {}).map(shapeOf).filter(Boolean).map((shape) =>
          shape.code === undefined ? htmlOf(shape) : `<pre><code>${shape.code.replace(/&/g, "&amp;").replace(/</g, "&lt;")}</code></pre>`).join(""))));
        await new Promise((done) => setTimeout(done));
      }
      tasks.push(cost);
      perThousand[Math.floor(from / 1000)] += cost;
    }
    element.remove();
    return { tasks, perThousand, frames };
  }

  const first = box();
  renderWhole(first, warm); // what is fetched when first needed is here then
  await idle();
  first.remove();
  const ourRun = await ours();
  const check = box();
  renderWhole(check, pieces.join(""));
  await idle();
  const equal = check.isEqualNode(ourRun.element);
  check.remove();
  const { element, ...result } = ourRun;
  const counts = { blocks: element.children.length, coloured: element.querySelectorAll("[class^=hljs]").length, formulas: element.querySelectorAll(".katex").length };
  element.remove();
  return { ours: result, whole: await whole(), equal, counts };
}
