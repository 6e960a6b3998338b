// @ts-check
/**
 * Keeps the page as high as what is seen of it. Where an on-screen keyboard covers the page instead
 * of making it smaller (iOS), only `visualViewport` knows; everywhere else this changes nothing.
 */
const HEIGHT = "--seen";

/** To be called when the visual viewport has changed. @param {Window} page */
export function fit({ visualViewport: seen, innerHeight, document, scrollTo }) {
  const { style } = document.documentElement;
  const covered = seen && seen.scale === 1 && innerHeight - seen.height > 1; // zoomed in, less is seen and nothing covered
  if (!covered) return style.removeProperty(HEIGHT);
  style.setProperty(HEIGHT, `${seen.height}px`);
  if (seen.offsetTop) scrollTo(0, 0); // the browser moved the page to show the text box, which is in view as it is
}
