/** What nothing that does the job can do without, each thing alone: the same lines in the same batches. */
import { closeSync, fsyncSync, openSync, readFileSync, readSync, rmSync, writeSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { compress } from "../../../shared/kafka/record-batch/compression.ts";
import { crc32c } from "../../../shared/kafka/record-batch/crc32c.ts";
import { startChild } from "../../../shared/testing/child.ts";
import type { Bench } from "../bench.ts";
import { LINE_BYTES } from "../workload/lines.ts";
import type { Provenance } from "./render.ts";

/** One thing alone. */
export interface FloorRow {
  readonly what: string;
  /** Bytes that go through it, per million lines. */
  readonly megabytes: number;
  readonly cpuPerMillion: number;
}

/** The edge's default `batchSize`, in whole lines. */
const linesPerBatch = Math.floor((960 * 1024) / LINE_BYTES);
const batchBytes = linesPerBatch * LINE_BYTES;
const readBytes = 256 * 1024;
const tries = 3;

/** Measures them all: about 10 s. */
export async function floorRows(bench: Bench): Promise<readonly FloorRow[]> {
  const path = await bench.inputs.file(bench.options.lines);
  const input = readFileSync(path);
  const batches = Array.from({ length: Math.floor(input.length / batchBytes) }, (_, nth) =>
    input.subarray(nth * batchBytes, (nth + 1) * batchBytes),
  );
  const packed = batches.map((batch) => compress("zstd", batch));
  const packedBytes = packed.reduce((sum, { length }) => sum + length, 0);
  const millions = (batches.length * linesPerBatch) / 1e6;
  const arena = Buffer.alloc(batchBytes);
  const request = Buffer.alloc(Math.max(...packed.map(({ length }) => length)));
  const script = join(import.meta.dir, "answering-peer.ts");
  await using peer = startChild({ name: "peer", command: [process.execPath, script, String(request.length)] });
  const port = Number(await peer.waitForLine(/^\d+$/));
  const row = async (what: string, bytes: number, work: () => void | Promise<void>): Promise<FloorRow> => ({
    what,
    megabytes: bytes / 1e6 / millions,
    cpuPerMillion: (await leastCpuSeconds(work)) / millions,
  });
  const copies = () => {
    for (const batch of batches) {
      for (let at = 0; at < batchBytes; at += LINE_BYTES) batch.copy(arena, at, at, at + LINE_BYTES);
    }
  };
  const wholeBytes = batches.length * batchBytes;
  return [
    await row("reading the file, 256 KiB a call", wholeBytes, () => readWhole(path, arena)),
    await row("finding the line ends", wholeBytes, () => findLineEnds(batches)),
    await row("one copy of each line into an arena", wholeBytes, copies),
    await row("zstd level 1, 960 KiB at a time", wholeBytes, () => {
      for (const batch of batches) compress("zstd", batch);
    }),
    await row("crc32c of what is compressed", packedBytes, () => {
      for (const bytes of packed) crc32c(bytes);
    }),
    await row(`write and fsync, one a batch (${batches.length})`, packedBytes, () => writeSynced(bench, packed)),
    await row("a socket, one batch and answer at a time", packedBytes, () => sendAll(packed, request, port)),
  ];
}

/** The table, and its sum. */
export function renderFloor(rows: readonly FloorRow[], { command, at, machine }: Provenance): string {
  const sum = rows.reduce((total, { cpuPerMillion }) => total + cpuPerMillion, 0);
  const line = (what: string, megabytes: string, cpu: number) => `| ${what} | ${megabytes} | ${cpu.toFixed(3)} |`;
  return [
    "| alone | MB per M lines | CPU s per M lines |",
    "| --- | ---: | ---: |",
    ...rows.map(({ what, megabytes, cpuPerMillion }) => line(what, megabytes.toFixed(1), cpuPerMillion)),
    line("**together**", "", sum),
    "",
    `\`${command}\` · ${at.slice(0, 16).replace("T", " ")} UTC · the least of ${tries} tries each`,
    "",
    `<sub>${Object.entries(machine)
      .map(([name, value]) => `${name}: ${value}`)
      .join(" · ")}</sub>`,
  ].join("\n");
}

async function leastCpuSeconds(work: () => void | Promise<void>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let nth = 0; nth < tries; nth++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1e6);
  }
  return least;
}

function readWhole(path: string, into: Buffer): void {
  const file = openSync(path, "r");
  while (readSync(file, into, 0, readBytes, null) > 0);
  closeSync(file);
}

function findLineEnds(batches: readonly Buffer[]): void {
  for (const batch of batches) {
    for (let at = batch.indexOf(10); at >= 0; at = batch.indexOf(10, at + 1));
  }
}

function writeSynced(bench: Bench, packed: readonly Uint8Array[]): void {
  const path = join(bench.place.data, "floor");
  const file = openSync(path, "w");
  for (const bytes of packed) {
    writeSync(file, bytes);
    fsyncSync(file);
  }
  closeSync(file);
  rmSync(path);
}

async function sendAll(packed: readonly Uint8Array[], request: Buffer, port: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  try {
    for (const bytes of packed) {
      request.set(bytes);
      await answered(socket, request);
    }
  } finally {
    socket.destroy();
  }
}

function answered(socket: Socket, request: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("data", () => {
      socket.off("error", reject);
      resolve();
    });
    socket.write(request);
  });
}
