/**
 * The pictures of the page in the README, made anew by one command:
 *
 *     npm run pictures                 into README's folder of pictures
 *     npm run pictures -- --all DIR    every section, light, dark and on a phone, to look at
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PageGround, vehicleName } from "../../central/testing/page-ground.ts";
import { askedHelp } from "../../shared/system/asked-help.ts";
import { freePort } from "../../shared/testing/free-port.ts";
import { Browser, type Look } from "../drivers/browser/browser.ts";
import { setup } from "../setup/setup.ts";

const help = askedHelp(import.meta.path);
if (help !== undefined) {
  console.log(help);
  process.exit(0);
}

const root = join(import.meta.dir, "../..");
const wide = { width: 1180, height: 740 };
const phone = { width: 390, height: 800 };
const trip = vehicleName(7);

await setup("test", (line) => console.log(line));
await using ground = new PageGround({ port: await freePort() });
// A fleet at night: most drive, some have fallen silent, a few are away for days.
await ground.fleet(120, (number) => {
  if (number % 41 === 0) return (number % 5) * 86_400_000 + 100_000_000;
  return number % 17 === 0 ? 70_000 + number * 9_000 : (number % 9) * 700;
});
await ground.trip(7, 3);
await ground.putAside("a key of 300 bytes is no vehicle's name", Buffer.from('{"Speed":12.5,\u0000\u0001'));
ground.drive(Array.from({ length: 120 }, (_, index) => index + 1).filter((one) => one % 17 !== 0 && one % 41 !== 0));
await Bun.sleep(4_000);

const all = process.argv.indexOf("--all");
if (all < 0) {
  const folder = join(root, "shared", "pictures");
  mkdirSync(folder, { recursive: true });
  await picture(folder, "fleet-light", "#/fleet", { ...wide, scheme: "light" });
  await picture(folder, "vehicle-dark", `#/vehicle/${trip}`, { ...wide, height: 980, scheme: "dark" });
} else {
  const folder = process.argv[all + 1] ?? ".";
  mkdirSync(folder, { recursive: true });
  const places = [
    "fleet",
    `vehicle/${trip}`,
    "live",
    "agents",
    "outages",
    "alerts",
    "books",
    "put-aside",
    "consumers",
    "replays",
    "lake",
    "erased",
  ];
  for (const place of places) {
    const name = place.split("/")[0] ?? place;
    for (const scheme of ["light", "dark"] as const) {
      await picture(folder, `${name}-${scheme}`, `#/${place}`, { ...wide, scheme });
    }
    await picture(folder, `${name}-phone`, `#/${place}`, { ...phone, scheme: "light" });
  }
}

async function picture(folder: string, name: string, hash: string, look: Look): Promise<void> {
  await using browser = await Browser.open(`${ground.url}${hash}`, look);
  await browser.until(`document.querySelector("main")?.textContent.length > 100`);
  await Bun.sleep(3_500);
  writeFileSync(join(folder, `${name}.png`), await browser.picture());
  console.log(join(folder, `${name}.png`));
  for (const error of browser.errors) console.error(error);
}
