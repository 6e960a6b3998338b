"""Compares states of the page with pictures that were looked at and approved.

`make approve` takes the pictures anew. They are small, so that they can be kept with the code, and
so that the shape of a letter does not matter. Another font changes where lines end: where the fonts
are others than those of the approved pictures, the test is skipped.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from . import states
from .chat import Page, expect
from .conftest import REPORT_VIOLATIONS, Browser, Program
from .pixels import SCHEMES

pytestmark = pytest.mark.wide

APPROVED = Path(__file__).parent / "approved"
FONTS = APPROVED / "fonts.json"
WIDTHS = {390: 844, 1440: 900}
#: The pictures are smaller than the page by this factor.
SCALE = 6
#: How many per cent of the pixels may differ, and from which difference on (of 255) a pixel does.
TOLERANCE, DIFFERENT = 0.25, 32
#: The widths of a text in the page's fonts, in pixels.
MEASURED = """() => ["sans", "mono"].map((kind) => {
  const font = getComputedStyle(document.documentElement).getPropertyValue(`--${kind}`);
  const canvas = new OffscreenCanvas(1, 1).getContext("2d");
  return [400, 650].map((weight) => {
    canvas.font = `${weight} 100px ${font}`;
    return Math.round(canvas.measureText("Sphinx of black quartz, judge my vow 0123456789").width);
  });
})"""
#: The answer begins at the top, if the whole conversation does not fit.
SCROLL = """() => {
  scroller.scrollTop = 0;
  const answer = document.querySelector("article.message.answer");
  if (answer) scroller.scrollTop = answer.offsetTop - 16;
}"""
#: Makes a picture smaller.
SMALLER = """async ([png, scale]) => {
  const read = async (data) => createImageBitmap(
    new Blob([Uint8Array.from(atob(data), (char) => char.charCodeAt())], {type: "image/png"}));
  const image = await read(png);
  const [width, height] = [image.width / scale, image.height / scale].map(Math.round);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, width, height);
  const bytes = new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}"""
#: The per cent of pixels in which two pictures differ; 100 if they have other sizes.
DIFFERENCE = """async ([one, other, least]) => {
  const pixels = async (data) => {
    const image = await createImageBitmap(
      new Blob([Uint8Array.from(atob(data), (char) => char.charCodeAt())], {type: "image/png"}));
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, image.width, image.height);
  };
  const [a, b] = [await pixels(one), await pixels(other)];
  if (a.width !== b.width || a.height !== b.height) return 100;
  let count = 0;
  for (let i = 0; i < a.data.length; i += 4)
    if ([0, 1, 2].some((c) => Math.abs(a.data[i + c] - b.data[i + c]) >= least)) count++;
  return (100 * count * 4) / a.data.length;
}"""


def empty(page: Page) -> None:
    states.anew(page)


def table_and_code(page: Page) -> None:
    states.asked(page, f"say={states.ANSWER}")


def failed(page: Page) -> None:
    states.asked(page, "status=401")


STATES: dict[str, Callable[[Page], None]] = {
    "empty": empty,
    "answer": table_and_code,
    "long-code": states.with_long_code,
    "cut-off": lambda page: states.asked(page, "say=Half an answer;close"),
    "failed": failed,
}


@pytest.fixture
def calm(browser: Browser, serve: Callable[..., Program], upstream: Program) -> Iterator[Page]:
    """A page of a server without conversations."""
    environ = {"OPENAI_BASE_URL": upstream.url, "OPENAI_MODEL": "fake-model"}
    server = serve(**environ, OPENAI_API_KEY="sk-x")
    context = browser.new_context(reduced_motion="reduce")
    context.add_init_script(REPORT_VIOLATIONS)
    page = context.new_page()
    page.goto(server.url)
    expect(page.locator("#model-name")).to_have_text("fake-model")
    yield page
    context.close()


def pictures(page: Page, bench: Page) -> Iterator[tuple[str, str]]:
    """The name and the small picture of each state, as base64."""
    for name, act in STATES.items():
        page.set_viewport_size({"width": 1440, "height": 900})
        act(page)
        page.evaluate("() => document.activeElement.blur()")
        page.mouse.move(0, 0)
        for (width, height), scheme in product(WIDTHS.items(), SCHEMES):
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.evaluate(SCROLL)
            page.evaluate("() => new Promise((done) => setTimeout(done, 100))")
            png = base64.b64encode(page.screenshot()).decode()
            yield f"{name}-{width}-{scheme}", bench.evaluate(SMALLER, [png, SCALE])


def test_the_page_looks_as_approved(calm: Page, tmp_path: Path) -> None:
    fonts = calm.evaluate(MEASURED)
    bench = calm.context.new_page()
    if os.environ.get("APPROVE"):
        APPROVED.mkdir(exist_ok=True)
        for old in APPROVED.glob("*.png"):
            old.unlink()
        FONTS.write_text(json.dumps(fonts) + "\n")
        for name, png in pictures(calm, bench):
            (APPROVED / f"{name}.png").write_bytes(base64.b64decode(png))
        return
    if fonts != json.loads(FONTS.read_text()):
        pytest.skip("the pictures were approved with other fonts; `make approve` takes them anew")
    different: dict[str, Any] = {}
    for name, png in pictures(calm, bench):
        approved = base64.b64encode((APPROVED / f"{name}.png").read_bytes()).decode()
        share = bench.evaluate(DIFFERENCE, [approved, png, DIFFERENT])
        if share > TOLERANCE:
            different[name] = f"{share:.1f} % differ"
            (tmp_path / f"{name}.png").write_bytes(base64.b64decode(png))
    assert not different, f"compare {tmp_path} with {APPROVED}, then `make approve`: {different}"
