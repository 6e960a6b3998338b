// @ts-check
/** Pixels from the end that still count as being there. */
const NEAR = 40;

/**
 * Follows the newest text for as long as the reader is at the end, and leaves the page alone when
 * the reader has gone elsewhere. Only a move upwards means leaving: growing text is not a move.
 */
export class AutoScroll {
  #following = false;
  #atRest = true;
  #top = 0;

  /** @param {HTMLElement} scroller @param {HTMLElement} content @param {HTMLElement} toEnd shown when the reader is elsewhere */
  constructor(scroller, content, toEnd) {
    this.scroller = scroller;
    this.toEnd = toEnd;
    scroller.addEventListener("scroll", () => this.#moved(), { passive: true });
    toEnd.addEventListener("click", () => {
      this.follow();
      scroller.focus({ preventScroll: true });
    });
    const sizes = new ResizeObserver(() => this.#grown());
    sizes.observe(scroller);
    sizes.observe(content);
  }

  /** Go to the beginning, and follow nothing. */
  scrollToTop() {
    this.#following = false;
    this.#atRest = true;
    this.scroller.scrollTop = 0;
    this.#showButton();
  }

  /** Go to the end and stay there. */
  follow() {
    this.#following = true;
    this.#atRest = false;
    this.#grown();
  }

  /** Leave the reader where the page goes next. */
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
    if (this.#following) this.scroller.scrollTop = this.scroller.scrollHeight;
    this.#top = this.scroller.scrollTop;
    this.#showButton();
  }

  #showButton() {
    this.toEnd.hidden = this.#atRest || this.#following || this.#distance <= NEAR;
  }
}
