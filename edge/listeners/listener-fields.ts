import { z } from "zod";
import { byteSize } from "../../shared/config/byte-size.ts";
import { duration } from "../../shared/config/duration.ts";
import { keyPairMistake } from "../../shared/config/key-pair.ts";
import { listenAddress, portAddress } from "../../shared/config/listen-address.ts";
import { pem } from "../../shared/config/pem.ts";
import { secret } from "../../shared/config/secret.ts";

/** How a listener proves who it is, and what it asks of its clients. */
export const listenerTls = () =>
  z
    .strictObject({
      cert: pem().meta({ description: "Our certificate, followed by those that signed it." }),
      key: secret().meta({ description: "The key of our certificate, as PEM." }),
      passphrase: secret().optional().meta({ description: "What the key is encrypted with." }),
      clientCa: pem().optional().meta({
        description: "Who signs the clients' certificates. When given, a client without such a certificate is refused.",
      }),
    })
    .superRefine((pair, context) => {
      const mistake = keyPairMistake(pair);
      if (mistake !== undefined) context.addIssue({ code: "custom", path: [mistake.field], message: mistake.message });
    });

/** What every source that listens on a stream socket can be told; `address` is where it listens when nothing is said. */
export function listenerFields(address: string) {
  return {
    address: listenAddress().prefault(address).meta({
      description:
        "Where it listens: host:port, or the absolute path of a Unix socket. The default is loopback; 0.0.0.0 or [::] is all addresses of this machine.",
    }),
    tls: listenerTls().optional().meta({ description: "Encrypts connections, and with clientCa knows the clients." }),
    connectionsMax: z.int().min(1).max(100_000).default(1_000).meta({
      description:
        "Connections that may be open at once. Further ones are refused and counted. All listeners together hold at most a quarter of the process's file descriptors.",
    }),
    idleTimeout: duration({ min: 100 }).optional().meta({
      description:
        "A connection that sends nothing for this long is closed. Never when left out; dead peers are found by TCP keep-alive.",
    }),
    messageTimeout: duration({ min: 100 }).prefault("60s").meta({
      description:
        "How long a message may take from its first byte to its last; then its connection is closed. The same bound holds for a client that does not read its answer.",
    }),
    socketMode: z
      .string()
      .regex(/^0?[0-7]{3}$/, { error: 'not a file mode: write three octal digits, as in "660"' })
      .default("660")
      .meta({ description: "Who may connect to a Unix socket, as the mode of its file." }),
  };
}

/** What every source that takes datagrams can be told. */
export function datagramFields(address: string) {
  return {
    address: portAddress().prefault(address).meta({
      description:
        "Where it listens: host:port. The default is loopback; 0.0.0.0 or [::] is all addresses of this machine.",
    }),
    queueBytesMax: byteSize({ min: 64 * 1024, max: 256 * 1024 * 1024 })
      .prefault("4MiB")
      .meta({ description: "Datagrams that may wait for room in the channel; more are lost and counted." }),
    receiveBuffer: byteSize({ min: 4 * 1024, max: 256 * 1024 * 1024 })
      .prefault("2MiB")
      .meta({
        description:
          "What the kernel may keep until we read (SO_RCVBUF); it gives no more than net.core.rmem_max. What it drops is counted.",
      }),
  };
}
