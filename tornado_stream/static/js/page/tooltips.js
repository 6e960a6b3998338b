// @ts-check
/**
 * What a button without a visible text does, beside the pointer or the focus, with its shortcut. A tooltip can be
 * hovered, stays as long as the pointer or the focus does, and Escape hides it (WCAG 1.4.13). Loaded when first needed.
 */
import { element } from "./dom.js";
import { keysOf } from "./key_names.js";
import { SHORTCUTS } from "./shortcuts.js";
import { loadStyleSheet } from "./style_sheets.js";

/** Milliseconds for which a pointer rests before a tooltip appears, and for which one stays after it has left. */
const REST = 400;
const STAY = 120;
/** Pixels between a tooltip and its button, and the edge of the window. */
const GAP = 4;

const tip = element("div", "tooltip");
tip.setAttribute("role", "tooltip");
tip.setAttribute("aria-hidden", "true"); // the button's name says the same
/** @type {HTMLElement | null} */
let owner = null;
let timer = 0;
/** Where the pointer was pressed last. What comes to lie under it there, because a menu closed, was not asked about. */
let pressed = { x: NaN, y: NaN };
/** Pixels within which the pointer still counts as where it was pressed or released. */
const SLIP = 4;
/** The button whose tooltip is to be shown. @type {HTMLElement | null} */
let wanted = null;

/** Show the tooltip of a button soon, for a pointer or the focus that has come to it. @param {HTMLElement} button @param {Event} event */
export function hint(button, event) {
  const byPointer = event instanceof PointerEvent;
  if (button === owner) return clearTimeout(timer);
  const isWherePressed = byPointer && Math.hypot(event.x - pressed.x, event.y - pressed.y) < SLIP;
  if (byPointer ? event.pointerType === "touch" || isWherePressed : !button.matches(":focus-visible")) return;
  wanted = button;
  later(() => void show(button), byPointer && !owner ? REST : 0);
}

/** @param {HTMLElement} button */
async function show(button) {
  const moves = document.getAnimations().filter(({ effect }) => effect instanceof KeyframeEffect && !effect.pseudoElement && effect.target?.contains(button));
  await Promise.allSettled([loadStyleSheet("menus"), ...moves.map(({ finished }) => finished)]); // it stands beside where the button comes to rest
  const isMenu = button.hasAttribute("aria-haspopup") && button.getAttribute("aria-expanded") === "true";
  if (wanted !== button || !button.isConnected || isMenu) return;
  owner = button;
  const keys = SHORTCUTS.find(({ name }) => name === button.dataset.shortcut)?.keys[0];
  tip.replaceChildren(nameOf(button), ...(keys ? keysOf(keys).map((key) => element("kbd", "", key)) : []));
  (button.closest("dialog, [popover]") ?? document.body).append(tip); // what is above everything covers the rest
  const { left, width, top, bottom } = button.getBoundingClientRect();
  const size = tip.getBoundingClientRect();
  const below = bottom + GAP + size.height <= innerHeight - GAP;
  tip.style.top = `${below ? bottom + GAP : top - GAP - size.height}px`;
  tip.style.left = `${Math.max(GAP, Math.min(left + (width - size.width) / 2, innerWidth - size.width - GAP))}px`;
}

function hide() {
  clearTimeout(timer);
  owner = wanted = null;
  tip.remove();
}

/** @param {() => void} act @param {number} ms */
function later(act, ms) {
  clearTimeout(timer);
  timer = window.setTimeout(act, ms);
}

/** The name of a button, without what is hidden from everybody. @param {HTMLElement} button */
const nameOf = (button) => (button.ariaLabel ?? button.innerText).replace(/\s+/g, " ").trim();

document.addEventListener("pointerout", ({ target, relatedTarget }) => {
  const to = /** @type {Node | null} */ (relatedTarget);
  const from = /** @type {Element} */ (target);
  if (tip.contains(to) || owner?.contains(to)) return;
  if (tip.contains(from) || from.closest("button")) later(hide, owner ? STAY : 0);
});
tip.addEventListener("pointerover", () => clearTimeout(timer));
for (const type of /** @type {const} */ (["pointerdown", "pointerup"])) document.addEventListener(type, ({ x, y }) => (pressed = { x, y }), { capture: true });
for (const type of ["focusout", "pointerdown", "scroll"]) document.addEventListener(type, hide, { capture: true });
addEventListener("resize", hide);
document.addEventListener("keydown", ({ key }) => key === "Escape" && hide(), { capture: true });
