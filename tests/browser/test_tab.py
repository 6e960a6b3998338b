"""The title of a tab shows the state of its answer, also while the tab is hidden."""

from __future__ import annotations

from .chat import Page, ask, content, expect, status
from .conftest import Release

HIDE = """hidden => {
  Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""
#: Sends the message of another tab that has seen the end of the answer. Without it, a hidden tab
#: asks the server every ten seconds.
TELL = """() => {
  const conversation_id = location.pathname.split("/").pop();
  new BroadcastChannel("tornado-stream").postMessage({type: "ended", conversation_id});
  return document.title.startsWith("✓");
}"""


def test_the_title_of_a_tab_that_is_hidden(page: Page, release: Release) -> None:
    ask(page, "play count=40;hold=tab")
    expect(content(page)).to_contain_text("t3 ")
    expect(page).to_have_title("⏳ play count=40;hold=tab – generating")
    page.evaluate(HIDE, True)
    release("tab")
    page.wait_for_function(TELL, polling=100)
    expect(page).to_have_title("✓ play count=40;hold=tab – answered")
    page.evaluate(HIDE, False)
    expect(page).to_have_title("play count=40;hold=tab – Tornado Stream")


def test_the_title_of_an_answer_that_needs_attention(page: Page) -> None:
    ask(page, "play say=Half;close")
    expect(status(page)).to_contain_text("The answer was cut off")
    expect(page).to_have_title("! play say=Half;close – needs attention")
    page.reload()
    expect(page).to_have_title("play say=Half;close – Tornado Stream")
    ask(page, "play say=Half;close;again")
    expect(page).to_have_title("! play say=Half;close – needs attention")
    page.get_by_role("button", name="New conversation").click()
    expect(page).to_have_title("Tornado Stream")
