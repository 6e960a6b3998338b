// @ts-check
/**
 * Before the modules have arrived, Enter and *Send* note that the question is to be sent, and lock it. The composer
 * sends it then. The rule: this is a classic script that runs before the page is shown, so it is short and imports nothing.
 */
(() => {
  /** The form as long as no module has taken it over. */
  const waiting = () => /** @type {HTMLFormElement | null} */ (document.querySelector("#composer:not([data-taken])"));

  /** @param {Event} event @param {boolean} sent */
  const note = (event, sent) => {
    const form = waiting();
    const question = /** @type {HTMLTextAreaElement | null} */ (form?.querySelector("textarea"));
    if (!form || !question) return;
    event.preventDefault();
    form.toggleAttribute("data-sent", sent && !!question.value.trim());
    question.readOnly = form.hasAttribute("data-sent");
  };
  document.addEventListener("submit", (event) => event.target === waiting() && note(event, true));
  document.addEventListener("keydown", (event) => {
    const { key, shiftKey, ctrlKey, altKey, metaKey, isComposing, keyCode, target } = event;
    if (isComposing || keyCode === 229 || target !== waiting()?.querySelector("textarea")) return;
    const sends = (document.documentElement.dataset.enter ?? (matchMedia("(pointer: fine)").matches && "send")) === "send";
    if (key === "Enter" && !shiftKey && !altKey && (ctrlKey || metaKey) !== sends) note(event, true);
    else if (key === "Escape") note(event, false);
  });
  document.addEventListener("error", (event) => /** @type {Element} */ (event.target).matches?.("script, link") && note(event, false), true); // a module did not arrive
})();
