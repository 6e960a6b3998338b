// @ts-check
/** Within so many pixels, the reader counts as being at the end. */
const NEAR = 40;

/** By these events of the scroller a user goes to another place. */
const INPUTS = ["wheel", "touchstart", "pointerdown", "keydown", "focusin"];

/**
 * Keeps the newest text in view while the user is at the end of the conversation, or a place that the user asked for.
 * The rule: only a scroll upwards ends the following, and only the user leaves the place. Text that grows is not a scroll.
 */
export class AutoScroll {
  #following = false;
  #atRest = true;
  #top = 0;
  /** @type {Element | Range | null} */
  #place = null;

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
    for (const input of INPUTS) scroller.addEventListener(input, () => (this.#place = null), { passive: true });
    const sizes = new ResizeObserver(() => this.#grown());
    sizes.observe(scroller);
    sizes.observe(content);
  }

  /** Scroll to the beginning and stay there. */
  scrollToTop() {
    this.leave();
    this.#atRest = true;
    this.scroller.scrollTop = 0;
    this.#showButton();
  }

  /** Scroll to the end and follow it. */
  follow() {
    this.leave();
    this.#following = true;
    this.#grown();
  }

  /**
   * Keep a place in the middle of the view until the user scrolls: the browser lays out the messages around it
   * only when they come near, and their sizes move it.
   * @param {Element | Range} place
   */
  keep(place) {
    this.leave();
    this.#place = place;
    this.#grown();
  }

  /** Stop following, so that the caller can scroll to another place. */
  leave() {
    this.#following = this.#atRest = false;
    this.#place = null;
  }

  get #distance() {
    return this.scroller.scrollHeight - this.scroller.clientHeight - this.scroller.scrollTop;
  }

  #moved() {
    const up = this.scroller.scrollTop < this.#top - 1;
    this.#top = this.scroller.scrollTop;
    if (this.#place) this.#following = false;
    else if (this.#distance <= NEAR) this.#following = !this.#atRest;
    else if (up) this.#following = false;
    this.#showButton();
  }

  #grown() {
    const isEditing = this.#following && document.activeElement?.closest(".editor"); // an editor that grows stays where it is
    if (this.#following && !isEditing) this.scroller.scrollTop = this.scroller.scrollHeight;
    if (this.#place) this.#center(this.#place);
    this.#top = this.scroller.scrollTop;
    this.#showButton();
  }

  /** @param {Element | Range} place */
  #center(place) {
    const { top, height } = place.getBoundingClientRect();
    if (!height) return; // its message was rendered again
    const view = this.scroller.getBoundingClientRect();
    this.scroller.scrollTop += top - view.top - Math.max(0, (view.height - height) / 2);
  }

  #showButton() {
    this.toEnd.hidden = this.#atRest || this.#following || this.#distance <= NEAR;
  }
}
