import { expect, test } from "bun:test";
import { errorName, errors } from "./error-codes.ts";

test("every number that a broker of today answers has a name", () => {
  expect(errorName(errors.NOT_ENOUGH_REPLICAS)).toBe("19 NOT_ENOUGH_REPLICAS");
  expect(errorName(14)).toBe("14 COORDINATOR_LOAD_IN_PROGRESS");
  expect(errorName(33)).toBe("33 UNSUPPORTED_SASL_MECHANISM");
  for (let code = -1; code <= 58; code++) expect(errorName(code)).toMatch(/^-?\d+ [A-Z_]+$/);
});

test("a number of a later version stays a number", () => {
  expect(errorName(999)).toBe("999");
});
