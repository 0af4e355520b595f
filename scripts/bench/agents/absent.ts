import type { Unavailable } from "../report/results.ts";

/**
 * Collectors that belong on the page and that no package registry gives for this bench: said there, not left out in
 * silence. Tried with Debian 12, Maven Central, npm, PyPI, crates and the Go module proxy.
 */
export const absent: readonly Unavailable[] = [
  {
    subject: "syslog-ng",
    reason: "its Debian package conflicts with rsyslog's: both cannot be installed on one machine",
  },
  {
    subject: "Fluent Bit",
    reason: "no Debian 12 package and none in a language registry",
  },
];
