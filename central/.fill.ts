import { fillStore } from "./bench/fill-store.ts";
import { filledFromMs } from "./bench/reads.bench.ts";

const t = performance.now();
await fillStore({ path: "/tmp/central/big.db", rows: 100_000_000, vehicles: 100, startMs: filledFromMs });
console.log("filled", (performance.now() - t) / 1000, process.cpuUsage(), process.memoryUsage().rss / 1e6);
