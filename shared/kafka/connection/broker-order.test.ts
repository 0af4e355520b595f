import { expect, test } from "bun:test";
import { formatAddress, parseAddress } from "../../config/address.ts";
import { BrokerOrder } from "./broker-order.ts";

const order = (seeds: readonly string[], start = 0) => new BrokerOrder(seeds.map(parseAddress), start);
const names = (of: BrokerOrder) => of.brokers.map(formatAddress);

test("the config's brokers come first, begun where it was said, and those that the cluster names behind them", () => {
  const line = order(["a:1", "b:1", "c:1"], 1);
  expect(names(line)).toEqual(["b:1", "c:1", "a:1"]);
  line.learn([parseAddress("a:1"), parseAddress("d:1")]);
  expect(names(line)).toEqual(["b:1", "c:1", "a:1", "d:1"]);
});

test("whoever was wrong is asked last, however often it is said, and each of the others has its turn", () => {
  const line = order(["a:1"]);
  line.learn(["a:1", "b:1", "c:1"].map(parseAddress));
  line.last(parseAddress("a:1"));
  line.last(parseAddress("a:1"));
  expect(names(line)).toEqual(["b:1", "c:1", "a:1"]);
  line.last(parseAddress("b:1"));
  expect(names(line)).toEqual(["c:1", "a:1", "b:1"]);
});

test("who is named no more is forgotten, the config's brokers and their places never", () => {
  const line = order(["a:1", "b:1"]);
  line.learn(["c:1", "d:1"].map(parseAddress));
  line.last(parseAddress("a:1"));
  line.learn(["d:1"].map(parseAddress));
  expect(names(line)).toEqual(["b:1", "d:1", "a:1"]);
  line.learn([]);
  line.last(parseAddress("nobody:1"));
  expect(names(line)).toEqual(["b:1", "d:1", "a:1"]);
});

test("an address is written as it is read, IPv6 in brackets", () => {
  for (const text of ["kafka-1:9092", "[::1]:9092", "10.0.0.1:1"]) expect(formatAddress(parseAddress(text))).toBe(text);
});
