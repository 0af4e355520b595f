/**
 * What the names in a directory mean. Rotation gives a file a new name that begins with the old one (`driving.log.1`,
 * `driving.log-20261121`): these are generations of the trail whose root is `driving.log`.
 */
export type NameMeaning =
  /** The config asks for it. */
  | { readonly kind: "asked"; readonly root: string }
  /** The config asks for the name it begins with. */
  | { readonly kind: "derived"; readonly root: string }
  /** As `derived` or `asked`, and compressed: never read. */
  | { readonly kind: "compressed"; readonly root: string }
  | { readonly kind: "none" };

/** Reads names; `matches` says which ones the config asks for, `exists` which are there or were followed. */
export class Names {
  private readonly meanings = new Map<string, NameMeaning>();

  constructor(
    private readonly matches: (name: string) => boolean,
    private readonly excluded: (name: string) => boolean,
  ) {}

  /** What is asked for has changed. */
  forget(): void {
    this.meanings.clear();
  }

  /** Without regard to other files; remembered. */
  meaning(name: string): NameMeaning {
    let meaning = this.meanings.get(name);
    if (meaning === undefined) {
      // Names that come and go for years (dates in them) must not pile up.
      if (this.meanings.size >= rememberedMax) this.meanings.clear();
      meaning = this.read(name);
      this.meanings.set(name, meaning);
    }
    return meaning;
  }

  /**
   * The root of a name that the config asks for: itself, or the shortest asked-for name that exists and that it looks
   * like a rotated name of (with `driving.log*`, `driving.log.1` is a generation of `driving.log`).
   */
  rootAmong(name: string, exists: (name: string) => boolean): string {
    for (let length = 1; length < name.length; length++) {
      const root = name.slice(0, length);
      if (/^[.\-_~].*\d/.test(name.slice(length)) && exists(root) && this.meaning(root).kind === "asked") return root;
    }
    return name;
  }

  private read(name: string): NameMeaning {
    if (this.excluded(name)) return { kind: "none" };
    const asked = this.matches(name);
    const root = asked ? name : this.askedPrefix(name);
    if (root === undefined) return { kind: "none" };
    if (compressedEnding.test(name)) return { kind: "compressed", root };
    return { kind: asked ? "asked" : "derived", root };
  }

  private askedPrefix(name: string): string | undefined {
    for (let length = 1; length < name.length; length++) {
      const root = name.slice(0, length);
      if (this.matches(root) && !this.excluded(root)) return root;
    }
    return undefined;
  }
}

/**
 * Orders generations of a trail from old to new: by the time of their last write; when the clock was too coarse to tell,
 * by name (`.2` is older than `.1`, `-20261120` older than `-20261121`, all older than the log itself).
 */
export function olderFirst(
  a: { readonly name: string; readonly mtimeNs: bigint },
  b: { readonly name: string; readonly mtimeNs: bigint },
): number {
  if (a.mtimeNs !== b.mtimeNs) return a.mtimeNs < b.mtimeNs ? -1 : 1;
  // The log itself is younger than what was made of it.
  if (a.name.startsWith(b.name)) return -1;
  if (b.name.startsWith(a.name)) return 1;
  const numberOf = (name: string) => /\.(\d{1,5})$/.exec(name)?.[1];
  const [first, second] = [numberOf(a.name), numberOf(b.name)];
  if (first !== undefined && second !== undefined) return Number(second) - Number(first);
  return a.name < b.name ? -1 : 1;
}

const rememberedMax = 10_000;

/** What compressing adds to a name. */
export const compressedEnding = /\.(?:gz|xz|zst|bz2|lz4|lzma|zip|br|Z)$/;
