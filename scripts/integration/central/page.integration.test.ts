/** The live page in a real browser, before a real central that is frozen, killed and started again. */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { freePort } from "../../../shared/testing/free-port.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { Browser } from "../../drivers/browser/browser.ts";
import { startCentral } from "../../drivers/central/central-process.ts";

const fresh = `!document.body.classList.contains("stale") && document.querySelectorAll(".dot.good").length === 2`;
const stale = `document.body.classList.contains("stale") && document.querySelectorAll(".dot.good, .dot.bad").length === 0`;
const shown = `document.getElementById("stale").textContent`;

test.each(["light", "dark"] as const)(
  "the page says at once that central does not answer, and recovers (%s)",
  async (scheme) => {
    using dir = tempDir();
    // No broker: what the page shows of Kafka is red, of the store green.
    const options = {
      brokers: "127.0.0.1:1",
      topics: ["driving"],
      group: "page",
      store: dir.file("central.db"),
      port: await freePort(),
    };
    const first = startCentral(options);
    await first.waitForLine("Central is up");
    await using browser = await Browser.open(`http://127.0.0.1:${options.port}/`, { scheme });
    await browser.until(fresh);
    expect(await browser.evaluate(`getComputedStyle(document.body).backgroundColor`)).toBe(
      scheme === "light" ? "rgb(244, 246, 244)" : "rgb(16, 20, 22)",
    );
    first.signal("SIGSTOP");
    await browser.until(stale);
    expect(await browser.evaluate(shown)).toMatch(/^No answer from central for \d+ s\. What you see is of /);
    keep(`frozen-${scheme}`, await browser.picture());
    first.signal("SIGCONT");
    await browser.until(fresh);
    await first[Symbol.asyncDispose]();
    await browser.until(stale);
    const before = String(await browser.evaluate(shown));
    await Bun.sleep(2_000);
    expect(await browser.evaluate(shown)).not.toBe(before); // the time goes on
    await using second = startCentral(options);
    await second.waitForLine("Central is up");
    await browser.until(fresh);
    keep(`fresh-${scheme}`, await browser.picture());
    expect(browser.errors).toEqual([]);
  },
  90_000,
);

/** For whoever wants to look: `PICTURES=/tmp/pictures bun test …`. */
function keep(name: string, png: Buffer): void {
  const folder = process.env.PICTURES;
  if (folder !== undefined) writeFileSync(`${folder}/${name}.png`, png);
}
