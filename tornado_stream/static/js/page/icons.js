// @ts-check
/** The icons: each is an SVG path in a square of 20. The rule: a text or a label beside the icon says the same. @type {Record<string, string>} */
const PATHS = {
  alert: "M10 3l8 14H2zM10 8.5v3.5M10 14.4v.1",
  check: "M4 10.5l4 4 8-9",
  clock: "M10 2.5a7.5 7.5 0 1 1 0 15a7.5 7.5 0 1 1 0-15M10 6v4.4l3 1.8",
  continue: "M6 4.5l9 5.5-9 5.5z",
  copy: "M7 7h9.5v9.5H7zM4.5 13h-1V3.5H13v1",
  cut: "M3 10h4M9 10h.1M13 10h4M10 3l-2 4 4 6-2 4",
  details: "M10 2.5a7.5 7.5 0 1 1 0 15a7.5 7.5 0 1 1 0-15M10 9.2v4.3M10 6.5v.1",
  edit: "M4 16l.8-3.2L13 4.6l2.4 2.4-8.2 8.2z",
  key: "M6.5 9.5a3.5 3.5 0 1 1 0 7a3.5 3.5 0 1 1 0-7M9 10.5L16.5 3M13.5 6l2.5 2.5",
  next: "M8 5l5 5-5 5",
  plug: "M7.5 3v4M12.5 3v4M5 7h10v2.5a5 5 0 0 1-10 0zM10 14.5V18",
  previous: "M12 5l-5 5 5 5",
  retry: "M16 6.5A7 7 0 1 0 17 11M16.5 2.5v4h-4",
  ruler: "M3 7h14v6H3zM6.5 7v2.5M10 7v2.5M13.5 7v2.5",
  shield: "M10 2.5l6.5 2.5v4.5c0 4-2.8 6.8-6.5 8-3.7-1.2-6.5-4-6.5-8V5z",
  swap: "M4 7h12l-3-3M16 13H4l3 3",
  tool: "M12.5 7.5l4-4a4.2 4.2 0 0 1-5.4 5.4l-6 6a1.6 1.6 0 0 1-2.3-2.3l6-6a4.2 4.2 0 0 1 5.4-5.4l-2.7 2.7z",
};

/** Create an icon. @param {string} name of its path */
export const icon = (name) => draw(PATHS[name]);

/** Create a drawing. @param {string} drawn an SVG path */
export function draw(drawn) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS(svg.namespaceURI, "path");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", drawn);
  svg.append(path);
  return svg;
}
