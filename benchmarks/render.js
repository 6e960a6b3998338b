// Streams an answer into the page in two ways, step by step; render.py measures what each step costs.
async ({ pieces, tokensPerSecond, warm }) => {
  const { href } = document.querySelector("link[href$='markdown/markdown_view.js']");
  const from = (name) => import(href.replace("markdown_view", name));
  const [{ MarkdownView, renderWhole }, { idle }] = [await from("markdown_view"), await from("scheduler")];
  const [{ nodesOf }, { lex }, { htmlOf, shapeOf }] = [await from("sanitize"), await from("grammar"), await from("html")];
  await from("extras"); // which the page loads for the first formula
  const scroller = document.querySelector("#scroller");
  const transcript = document.querySelector("#transcript");
  document.querySelector("#welcome").hidden = true;

  function box() {
    const element = document.createElement("div");
    element.className = "markdown content";
    transcript.append(element);
    return element;
  }

  /** Runs the work of one frame, then scrolls to the end, which forces style and layout; the milliseconds. */
  function timed(act) {
    const began = performance.now();
    act();
    scroller.scrollTop = scroller.scrollHeight;
    return performance.now() - began;
  }

  /** Waits for highlighting and formulas, which run in tasks of their own; the milliseconds of each task. */
  async function settle() {
    window.slices.length = 0;
    await idle();
    const work = [...window.slices];
    return work.length ? [...work, timed(() => {})] : work;
  }

  const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
  const whole = (text) => lex(text, {}).map(shapeOf).filter(Boolean).map((shape) =>
    shape.code === undefined ? htmlOf(shape) : `<pre><code>${escaped(shape.code)}</code></pre>`).join("");

  const first = box();
  renderWhole(first, warm); // so that the page fetches its lazy modules before the measurement
  await idle();
  first.remove();

  let view = new MarkdownView(box());
  const list = [];
  let frame = 0;
  let baseline = null;
  window.bench = {
    /** Streams frame by frame with the page's renderer, up to token `end`; the milliseconds of each task. */
    async ours(end) {
      const tasks = [];
      while (list.length < end) {
        const count = Math.min(end, Math.floor((++frame / 60) * tokensPerSecond));
        if (count === list.length) continue;
        list.push(...pieces.slice(list.length, count));
        tasks.push(timed(() => view.show(list)), ...(await settle()));
      }
      if (end === pieces.length) tasks.push(timed(() => view.finish()), ...(await settle()));
      return tasks;
    },
    /** Compares the streamed answer with one that is rendered at once, and removes both. */
    async compare() {
      const { element } = view;
      const check = box();
      renderWhole(check, pieces.join(""));
      await idle();
      const same = check.isEqualNode(element);
      const count = (what) => element.querySelectorAll(what).length;
      const result = { same, blocks: count(".part > *"), coloured: count(".code [class^=hljs]"), formulas: count(".katex") };
      check.remove();
      element.remove();
      return result;
    },
    /** Renders the whole message in each of `frames` frames, evenly between tokens `begin` and `end`. */
    async whole(begin, end, frames) {
      baseline ??= box();
      for (let n = 1; n <= frames; n++) {
        const text = pieces.slice(0, begin + Math.round(((end - begin) * n) / frames)).join("");
        timed(() => baseline.replaceChildren(nodesOf(whole(text))));
        await new Promise((done) => setTimeout(done));
      }
    },
  };
}
