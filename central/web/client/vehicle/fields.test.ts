import { expect, test } from "bun:test";
import { fieldTitle, firstChoice, numberFields, placeFields } from "./fields.ts";

const text = JSON.stringify({
  Speed: 31.5,
  seq: 7,
  "CurrentLocation.Latitude": 48.1,
  "CurrentLocation.Longitude": 11.5,
  battery: { "cell/1": 3.9, on: true },
  list: [1, { deep: 2 }],
});

test("finds numbers wherever they stand, by their pointers", () => {
  expect(numberFields(text).map(({ pointer }) => pointer)).toEqual([
    "/Speed",
    "/seq",
    "/CurrentLocation.Latitude",
    "/CurrentLocation.Longitude",
    "/battery/cell~11",
    "/list/0",
    "/list/1/deep",
  ]);
  expect(numberFields("12").map(({ pointer }) => pointer)).toEqual([""]);
  expect(numberFields("{cut")).toEqual([]);
  expect(fieldTitle("/battery/cell~11")).toBe("battery › cell/1");
});

test("knows a place by its two names, and plots neither of them first", () => {
  const fields = numberFields(text);
  expect(placeFields(fields)).toEqual({
    latitude: "/CurrentLocation.Latitude",
    longitude: "/CurrentLocation.Longitude",
  });
  expect(firstChoice(fields)).toEqual(["/Speed", "/battery/cell~11", "/list/0"]);
  expect(placeFields(numberFields('{"gps":{"lat":1,"lng":2}}'))).toEqual({
    latitude: "/gps/lat",
    longitude: "/gps/lng",
  });
  expect(placeFields(numberFields('{"a":{"lat":1},"b":{"lon":2}}'))).toBeUndefined();
});
