// @ts-check
/** Within so many pixels, the reader counts as being at the end. */
const NEAR = 40;

/**
 * Keeps the newest text in view while the user is at the end of the conversation, and does not scroll otherwise.
 * The rule: only a scroll upwards ends the following. Text that grows is not a scroll.
 */
export class AutoScroll {
  #following = false;
  #atRest = true;
  #top = 0;

  /** @param {HTMLElement} scroller @param {HTMLElement} content @param {HTMLElement} toEnd a button, shown while the end is not in view */
  constructor(scroller, content, toEnd) {
    this.scroller = scroller;
    this.toEnd = toEnd;
    scroller.addEventListener("scroll", () => this.#moved(), { passive: true });
    toEnd.addEventListener("click", () => {
      this.follow();
      scroller.focus({ preventScroll: true });
    });
    content.addEventListener("click", ({ target }) => {
      if (/** @type {Element} */ (target).closest("summary, [aria-expanded]")) this.#following = false; // what the reader opens stays where it is
    });
    const sizes = new ResizeObserver(() => this.#grown());
    sizes.observe(scroller);
    sizes.observe(content);
  }

  /** Scroll to the beginning and stay there. */
  scrollToTop() {
    this.#following = false;
    this.#atRest = true;
    this.scroller.scrollTop = 0;
    this.#showButton();
  }

  /** Scroll to the end and follow it. */
  follow() {
    this.#following = true;
    this.#atRest = false;
    this.#grown();
  }

  /** Stop following, so that the caller can scroll to another place. */
  leave() {
    this.#following = this.#atRest = false;
  }

  get #distance() {
    return this.scroller.scrollHeight - this.scroller.clientHeight - this.scroller.scrollTop;
  }

  #moved() {
    const up = this.scroller.scrollTop < this.#top - 1;
    this.#top = this.scroller.scrollTop;
    if (this.#distance <= NEAR) this.#following = !this.#atRest;
    else if (up) this.#following = false;
    this.#showButton();
  }

  #grown() {
    const isEditing = this.#following && document.activeElement?.closest(".editor"); // an editor that grows stays where it is
    if (this.#following && !isEditing) this.scroller.scrollTop = this.scroller.scrollHeight;
    this.#top = this.scroller.scrollTop;
    this.#showButton();
  }

  #showButton() {
    this.toEnd.hidden = this.#atRest || this.#following || this.#distance <= NEAR;
  }
}
