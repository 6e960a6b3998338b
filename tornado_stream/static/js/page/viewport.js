// @ts-check
/**
 * Keeps the page as high as its visible part. On iOS an on-screen keyboard covers the page without making
 * it smaller; only `visualViewport` tells its height. In other browsers this module changes nothing.
 */
const HEIGHT = "--seen";

/** Call this when the visual viewport has changed. @param {Window} page */
export function fitToViewport({ visualViewport: visible, innerHeight, document, scrollTo }) {
  const { style } = document.documentElement;
  const covered = visible && visible.scale === 1 && innerHeight - visible.height > 1; // a zoomed page is also higher than its visible part
  if (!covered) return style.removeProperty(HEIGHT);
  style.setProperty(HEIGHT, `${visible.height}px`);
  if (visible.offsetTop) scrollTo(0, 0); // undo the browser's scrolling: the text box is visible now without it
}
