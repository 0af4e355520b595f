/**
 * A RELP frame: `TXNR SP COMMAND SP DATALEN [SP DATA] LF`. The number is the sender's; an answer carries the same one.
 *
 *     1 open 57 relp_version=0\n…        1 rsp 70 200 OK\nrelp_version=0\n…
 *     2 syslog 6 <13>hi                  2 rsp 6 200 OK
 *     3 close 0                          3 rsp 0, then 0 serverclose 0
 */
export interface FrameHead {
  /** As it was written. */
  readonly number: string;
  readonly command: string;
  readonly dataBytes: number;
  /** Where the data begins; there is none when `dataBytes` is 0. */
  readonly dataAt: number;
}

/** Nine digits of a number, a command of 32 letters, nine digits of a length. */
const headBytesMax = 54;
const head = /^(\d{1,9}) ([a-zA-Z]{1,32}) (\d{1,9})( |\n|$)/;

/** The head of the frame at the start of `bytes`. `more`: it is not whole. Undefined: it is none. */
export function parseHead(bytes: Buffer): FrameHead | "more" | undefined {
  const text = bytes.toString("latin1", 0, Math.min(bytes.length, headBytesMax));
  const [whole, number, command, digits, separator] = head.exec(text) ?? [];
  if (whole === undefined || number === undefined || command === undefined)
    return couldBecome(text) ? "more" : undefined;
  if (separator === "") return text.length < headBytesMax ? "more" : undefined;
  const dataBytes = Number(digits);
  if ((separator === "\n") !== (dataBytes === 0)) {
    // Some senders write a space before the end of a frame without data.
    if (dataBytes !== 0 || separator !== " ") return undefined;
  }
  return {
    number,
    command,
    dataBytes,
    dataAt: dataBytes === 0 && separator === "\n" ? whole.length - 1 : whole.length,
  };
}

function couldBecome(text: string): boolean {
  return text.length < headBytesMax && /^\d{0,9}( ([a-zA-Z]{0,32}( \d{0,9})?)?)?$/.test(text);
}

/** An answer. */
export function answerFrame(number: string, data: string): string {
  return `${number} rsp ${Buffer.byteLength(data)}${data === "" ? "" : ` ${data}`}\n`;
}
