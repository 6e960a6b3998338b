// @ts-check
/**
 * Keeps the page as high as what is seen of it. Where an on-screen keyboard covers the page instead
 * of making it smaller (iOS), only `visualViewport` knows; everywhere else this changes nothing.
 * Loaded when that has changed for the first time.
 */
const HEIGHT = "--seen";

/** @param {Window} page @param {VisualViewport | null} seen */
export function followKeyboard(page, seen = page.visualViewport) {
  const root = page.document.documentElement;
  const fit = () => {
    const covered = seen && seen.scale === 1 && page.innerHeight - seen.height > 1; // zoomed in, less is seen and nothing covered
    if (!covered) return root.style.removeProperty(HEIGHT);
    root.style.setProperty(HEIGHT, `${seen.height}px`);
    if (seen.offsetTop) page.scrollTo(0, 0); // the browser moved the page to show the text box; it is in view as it is
  };
  for (const type of ["resize", "scroll"]) seen?.addEventListener(type, fit);
  fit();
}
