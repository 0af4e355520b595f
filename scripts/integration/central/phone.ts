/** Whether a section of the page can be read on a phone: nothing sticks out to the side but what may be scrolled there. */
import { writeFileSync } from "node:fs";
import type { Browser, Look } from "../../drivers/browser/browser.ts";

/** Of a common phone. */
export const phone = { width: 390, height: 800 } as const;

/** Parts that are wider than a phone by their nature, and scroll by themselves. */
const scrollers = ".scroll, .heat, pre, nav, .sums, .list, .head, .plots svg, .track svg";

/**
 * What is beyond the right edge, in words; empty: all can be read. The document's own width tells nothing: what overflows in the
 * part that scrolls is not in it, and a phone makes its window as wide as what is in it.
 */
const stickingOut = `(() => {
  const found = [];
  const main = document.querySelector("main");
  if (main.scrollWidth > main.clientWidth) found.push("main scrolls sideways: " + main.scrollWidth);
  for (const each of document.querySelectorAll("body *")) {
    if (each.parentElement.closest(${JSON.stringify(scrollers)}) !== null) continue;
    const { right, left, width } = each.getBoundingClientRect();
    if (width > 0 && (right > ${phone.width} + 0.5 || left < -0.5 && !each.matches("nav, .sums"))) {
      found.push(each.tagName + "." + each.className + " " + Math.round(right) + ": " + each.textContent.slice(0, 40));
    }
  }
  return found;
})()`;

/** Looks at the page as a phone would, dark, keeps a picture where somebody wants one, and looks again as before. */
export async function onPhone(browser: Browser, name: string, before: Look): Promise<unknown> {
  await browser.look({ scheme: "dark", ...phone });
  await browser.until(`document.documentElement.clientWidth <= ${phone.width}`);
  // Colours change in a moment, not at once.
  await browser.until(`document.getAnimations().every(({ playState }) => playState !== "running")`);
  await keepPicture(browser, `${name}-phone-dark`);
  const found = await browser.evaluate(stickingOut);
  await browser.look(before);
  return found;
}

/** For whoever wants to look: `PICTURES=/tmp/pictures bun test …`. */
export async function keepPicture(browser: Browser, name: string): Promise<void> {
  const folder = process.env.PICTURES;
  if (folder !== undefined) writeFileSync(`${folder}/${name}.png`, await browser.picture());
}
