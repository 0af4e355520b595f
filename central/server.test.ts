import { expect, test } from "bun:test";
import { silent } from "../shared/telemetry/log.ts";
import { freePort } from "../shared/testing/free-port.ts";
import { ownDescriptors } from "./descriptors.ts";
import { serve } from "./server.ts";
import { TestApi } from "./testing/api.ts";

const options = { report: silent, descriptors: ownDescriptors };

test("a port belongs to one central: the second one is told", async () => {
  await using api = new TestApi();
  const listen = `127.0.0.1:${await freePort()}`;
  const server = serve(api.api, listen, options);
  try {
    expect(() => serve(api.api, listen, options)).toThrow(`listen on ${listen}`);
  } finally {
    await server.stop();
  }
});

test("the answer to HEAD says how long the answer to GET is", async () => {
  await using api = new TestApi();
  const server = serve(api.api, `127.0.0.1:${await freePort()}`, options);
  try {
    for (const path of ["livez", "metrics", "api/v1/openapi.json", "api/v1/nowhere", ""]) {
      const got = await fetch(`${server.url}${path}`);
      const head = await fetch(`${server.url}${path}`, { method: "HEAD" });
      expect(head.status).toBe(got.status);
      expect(head.headers.get("Content-Type")).toBe(got.headers.get("Content-Type"));
      const length = Number(head.headers.get("Content-Length"));
      // Request ids are as long as one another.
      expect([path, length]).toEqual([path, (await got.bytes()).length]);
      expect((await head.bytes()).length).toBe(0);
    }
    expect((await fetch(`${server.url}livez`)).headers.get("Content-Type")).toStartWith("text/plain");
  } finally {
    await server.stop();
  }
});
