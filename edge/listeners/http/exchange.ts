/** Requests and answers on one connection, one after the other, for every source that speaks HTTP. */
import type { Connection } from "../connection.ts";
import { type Refused, type RequestHead, readHead } from "./request.ts";

/** What is said, and whether the connection goes on. */
export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, string | number | boolean>>;
  /** Further headers, each with its line end. */
  readonly headers?: string;
  /** JSON when left out. */
  readonly type?: string;
  readonly ends?: boolean;
}

/** How a source answers. */
export interface Answerer {
  /** A request, its body not read yet. Undefined: the peer has left, and nobody is there to be answered. */
  answer(head: RequestHead): Promise<Answer | undefined>;
  /** What is no request of HTTP. */
  refuse(refused: Refused): Answer;
  /** For each that was answered. */
  answered(answer: Answer): void;
  readonly nowMs: () => number;
}

const reasons: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  417: "Expectation Failed",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  501: "Not Implemented",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

/** Answers until either side ends. */
export async function serveRequests(connection: Connection, answerer: Answerer): Promise<void> {
  for (;;) {
    const head = await readHead(connection);
    if (head === undefined) return;
    const answer = "status" in head ? answerer.refuse(head) : await answerer.answer(head);
    if (answer === undefined) return;
    answerer.answered(answer);
    const ends = answer.ends === true || "status" in head || !head.keepAlive || connection.isStopping;
    if (!(await connection.write(render(answer, ends, answerer.nowMs()))) || ends) return;
  }
}

/** Tells a peer that asked first that its body may come. */
export async function letBodyCome(connection: Connection, { headers }: RequestHead): Promise<void> {
  if (headers.has("expect")) await connection.write("HTTP/1.1 100 Continue\r\n\r\n");
}

/** What is refused for its head whatever the source: an expectation that nobody meets, a body that claims to be too large. */
export function headRefusal({ headers, body }: RequestHead, bodyBytesMax: number): Refused | undefined {
  const expect = headers.get("expect");
  if (expect !== undefined && expect.toLowerCase() !== "100-continue") {
    return { status: 417, reason: "only 100-continue can be expected" };
  }
  if (body.kind === "length" && body.bytes > bodyBytesMax) {
    return { status: 413, reason: `the body is larger than ${bodyBytesMax} bytes` };
  }
  return undefined;
}

function render({ status, body, headers = "", type = "application/json" }: Answer, ends: boolean, nowMs: number) {
  const text = `${JSON.stringify(body)}\n`;
  const connection = ends ? "connection: close\r\n" : "";
  const date = new Date(nowMs).toUTCString();
  return Buffer.from(
    `HTTP/1.1 ${status} ${reasons[status] ?? "Error"}\r\ndate: ${date}\r\ncontent-type: ${type}\r\ncontent-length: ${Buffer.byteLength(text)}\r\n${connection}${headers}\r\n${text}`,
  );
}
