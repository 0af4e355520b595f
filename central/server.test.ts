import { expect, test } from "bun:test";
import { freePort } from "../shared/testing/free-port.ts";
import { serve } from "./server.ts";
import { TestApi } from "./testing/api.ts";

test("a port belongs to one central: the second one is told", async () => {
  await using api = new TestApi();
  const listen = `127.0.0.1:${await freePort()}`;
  const server = serve(api.api, listen);
  try {
    expect(() => serve(api.api, listen)).toThrow(`listen on ${listen}`);
  } finally {
    await server.stop();
  }
});
