import { describe, test } from "bun:test";

/** What a kind of component must hold, each with its proof. */
export type Properties<Fixture> = Readonly<Record<string, (fixture: Fixture) => Promise<void>>>;

/** What a component cannot do, by property, and why. Printed with the tests: a lack is known, never silent. */
export type Lacks<P> = { readonly [Name in keyof P]?: string };

/** Registers a test for each property; for one that the component lacks, a line that says so. */
export function checkProperties<Fixture, P extends Properties<Fixture>>(
  name: string,
  properties: P,
  lacks: Lacks<P>,
  open: () => Promise<Fixture & AsyncDisposable>,
): void {
  describe(name, () => {
    for (const [property, prove] of Object.entries(properties)) {
      const reason = lacks[property];
      if (reason === undefined) {
        test(property, async () => {
          await using fixture = await open();
          await prove(fixture);
        });
        continue;
      }
      test(`LACKS: ${property} (${reason})`, () => {
        if (reason.trim() === "") throw new Error(`say why ${name} lacks "${property}"`);
        console.log(`${name} lacks: ${property} (${reason})`);
      });
    }
  });
}
