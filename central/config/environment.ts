/** A variable, where in the config it goes, and how its text becomes a value. */
export interface Variable {
  readonly name: string;
  readonly path: readonly string[];
  readonly kind: "text" | "list";
}

/** Variables win over the file, so that one file serves many machines. */
export const variables: readonly Variable[] = [
  { name: "KAFKA_BROKERS", path: ["kafka", "brokers"], kind: "list" },
  { name: "KAFKA_CLIENT_ID", path: ["kafka", "clientId"], kind: "text" },
  { name: "KAFKA_TLS_CA", path: ["kafka", "tls", "ca", "file"], kind: "text" },
  { name: "KAFKA_TLS_CERT", path: ["kafka", "tls", "cert", "file"], kind: "text" },
  { name: "KAFKA_TLS_KEY", path: ["kafka", "tls", "key", "file"], kind: "text" },
  { name: "KAFKA_TLS_PASSPHRASE", path: ["kafka", "tls", "passphrase"], kind: "text" },
  { name: "KAFKA_TLS_SERVER_NAME", path: ["kafka", "tls", "serverName"], kind: "text" },
  { name: "KAFKA_SASL_MECHANISM", path: ["kafka", "sasl", "mechanism"], kind: "text" },
  { name: "KAFKA_SASL_USERNAME", path: ["kafka", "sasl", "username"], kind: "text" },
  { name: "KAFKA_SASL_PASSWORD", path: ["kafka", "sasl", "password"], kind: "text" },
  // Wins over the one above: a file is the better place.
  { name: "KAFKA_SASL_PASSWORD_FILE", path: ["kafka", "sasl", "password", "file"], kind: "text" },
  { name: "TAILGATE_TOPICS", path: ["topics"], kind: "list" },
  { name: "TAILGATE_TOPIC_PATTERN", path: ["topicPattern"], kind: "text" },
  { name: "TAILGATE_HEARTBEAT_TOPIC", path: ["heartbeats", "topic"], kind: "text" },
  { name: "TAILGATE_LATE_AFTER", path: ["lateAfter"], kind: "text" },
  { name: "TAILGATE_BOOKS_PATIENCE", path: ["booksPatience"], kind: "text" },
  { name: "TAILGATE_TOPIC_AGENTS", path: ["topicAgents"], kind: "list" },
  { name: "TAILGATE_SIGNATURES", path: ["signatures", "mode"], kind: "text" },
  { name: "TAILGATE_SIGNATURE_KEYS", path: ["signatures", "keys"], kind: "text" },
  { name: "TAILGATE_GROUP", path: ["group"], kind: "text" },
  { name: "TAILGATE_STORE", path: ["store"], kind: "text" },
  { name: "TAILGATE_STORE_PASSWORD", path: ["storePassword"], kind: "text" },
  // Wins over the one above: a file is the better place.
  { name: "TAILGATE_STORE_PASSWORD_FILE", path: ["storePassword", "file"], kind: "text" },
  { name: "TAILGATE_LISTEN", path: ["listen"], kind: "text" },
  { name: "TAILGATE_TLS_CERT", path: ["tls", "cert", "file"], kind: "text" },
  { name: "TAILGATE_TLS_KEY", path: ["tls", "key", "file"], kind: "text" },
  { name: "TAILGATE_TLS_CLIENT_CA", path: ["tls", "clientCa", "file"], kind: "text" },
  { name: "TAILGATE_API_KEY", path: ["apiKey"], kind: "text" },
  // Wins over the one above: a file is the better place.
  { name: "TAILGATE_API_KEY_FILE", path: ["apiKey", "file"], kind: "text" },
  { name: "TAILGATE_ALLOWED_HOSTS", path: ["allowedHosts"], kind: "list" },
  { name: "TAILGATE_LAKE", path: ["lake", "directory"], kind: "text" },
  { name: "TAILGATE_LAKE_COMMIT_EVERY", path: ["lake", "commitEvery"], kind: "text" },
  { name: "TAILGATE_LAKE_KEEP_FREE", path: ["lake", "keepFree"], kind: "text" },
  { name: "TAILGATE_RULES_FILE", path: ["rulesFile"], kind: "text" },
  { name: "TAILGATE_SESSION_TIMEOUT", path: ["sessionTimeout"], kind: "text" },
  { name: "TAILGATE_FETCH_BYTES", path: ["fetchBytes"], kind: "text" },
  { name: "TAILGATE_LOG_LEVEL", path: ["log", "level"], kind: "text" },
  { name: "TAILGATE_LOG_FORMAT", path: ["log", "format"], kind: "text" },
];

/** Puts what the environment says over what the file says. Returns the paths that were set, by their text. */
export function overlay(
  document: Record<string, unknown>,
  environment: Readonly<Record<string, string | undefined>>,
): Map<string, string> {
  const setBy = new Map<string, string>();
  for (const { name, path, kind } of variables) {
    const text = environment[name];
    if (text === undefined || text === "") continue;
    const value =
      kind === "list"
        ? text
            .split(",")
            .map((item) => item.trim())
            .filter((item) => item !== "")
        : text;
    put(document, path, value);
    setBy.set(path.join("."), name);
  }
  return setBy;
}

function put(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [head, ...rest] = path;
  if (head === undefined) return;
  if (rest.length === 0) {
    target[head] = value;
    return;
  }
  const child = target[head];
  const next = isRecord(child) ? child : {};
  target[head] = next;
  put(next, rest, value);
}

/** A plain object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
