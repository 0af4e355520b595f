/** The `url` of a config, taken apart. */

/** A database behind a server. */
export interface ServerAddress {
  readonly kind: "postgres" | "mysql";
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** A database that is a file. */
export interface FileAddress {
  readonly kind: "sqlite";
  readonly path: string;
}

/** What a `url` names. */
export type DatabaseAddress = ServerAddress | FileAddress;

const servers: Readonly<Record<string, Pick<ServerAddress, "kind" | "port">>> = {
  "postgres:": { kind: "postgres", port: 5432 },
  "postgresql:": { kind: "postgres", port: 5432 },
  "mysql:": { kind: "mysql", port: 3306 },
  "mariadb:": { kind: "mysql", port: 3306 },
};

/** Undefined: it names no database. It is not repeated in messages, because it may hold a password. */
export function parseAddress(text: string): DatabaseAddress | undefined {
  const url = URL.parse(text);
  if (url === null || url.hash !== "" || url.search !== "") return undefined;
  try {
    if (url.protocol === "sqlite:") {
      const path = decodeURIComponent(url.pathname);
      const isFile = url.host === "" && /^\/[^\0]*[^/\0]$/.test(path);
      return isFile ? { kind: "sqlite", path } : undefined;
    }
    const server = servers[url.protocol];
    const database = decodeURIComponent(url.pathname.slice(1));
    if (server === undefined || url.hostname === "" || database === "" || database.includes("/")) return undefined;
    return {
      kind: server.kind,
      host: decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, "$1"),
      port: url.port === "" ? server.port : Number(url.port),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database,
    };
  } catch {
    return undefined; // A %-code that is none.
  }
}

/** For the status page and the log: without user and password. */
export function shown(address: DatabaseAddress): string {
  if (address.kind === "sqlite") return address.path;
  return `${address.kind}://${address.host}:${address.port}/${address.database}`;
}
