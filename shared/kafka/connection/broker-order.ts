/**
 * Which broker is asked about the cluster first, second, and so on.
 *
 * Any broker may be asked, and one is as good as another until it is wrong: a broker that was cut off from the rest goes
 * on naming itself as leader for as long as it is asked. So whoever failed, or whose answer turned out wrong, goes to the
 * end of the line, and stays there until those before it have failed too. The line begins with the brokers of the config;
 * those that the cluster names are put after them, so that there is somebody to ask when all of the config are dead.
 */
import { type Address, formatAddress } from "../../config/address.ts";

export class BrokerOrder {
  private line: readonly Address[];

  /** `seeds`: the brokers of the config; `start`: which of them comes first, so that a fleet does not ask the same one. */
  constructor(
    private readonly seeds: readonly Address[],
    start: number,
  ) {
    this.line = [...seeds.slice(start), ...seeds.slice(0, start)];
  }

  /** Whom to ask, the first one first. */
  get brokers(): readonly Address[] {
    return this.line;
  }

  /** The cluster's brokers, as it named them last: those that it names no more are forgotten, the config's never. */
  learn(named: readonly Address[]): void {
    // An answer without brokers would leave nobody but the seeds.
    if (named.length === 0) return;
    const wanted = new Set([...this.seeds, ...named].map(formatAddress));
    const known = new Set(this.line.map(formatAddress));
    const kept = this.line.filter((broker) => wanted.has(formatAddress(broker)));
    const fresh = named.filter((broker) => !known.has(formatAddress(broker)));
    this.line = [...kept, ...fresh.map(({ host, port }) => ({ host, port }))];
  }

  /** All others are asked before this one. */
  last(broker: Address): void {
    const name = formatAddress(broker);
    const others = this.line.filter((each) => formatAddress(each) !== name);
    if (others.length < this.line.length) this.line = [...others, broker];
  }
}
